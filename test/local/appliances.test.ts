import { expect, test } from "vitest";
import { placeAppliances, planAppliances, simulationProblems } from "../../local/appliances.ts";
import { makeBridge } from "../operator/bridges.ts";

const simulated = (name: string, url: string) =>
  ({ name, type: "Quantis", url, simulated: true }) as const;
const real = { name: "lab", type: "Quantis", url: "https://192.0.2.10" } as const;
const mixed = makeBridge({
  sources: [
    simulated("a", "https://127.0.0.1:7766"),
    real,
    simulated("b", "https://localhost:8000"),
    simulated("c", "https://[::1]"),
  ],
});

test("an appliance for each simulated source, where its URL says", () => {
  expect(planAppliances(mixed, undefined)).toEqual([
    { source: "a", host: "127.0.0.1", port: 7766 },
    { source: "b", host: "127.0.0.1", port: 8000 },
    { source: "c", host: "::1", port: 443 },
  ]);
});

test("with a first port, the others count up; 0 stays 0", () => {
  const ports = (first: number) => planAppliances(mixed, first).map(({ port }) => port);
  expect(ports(9000)).toEqual([9000, 9001, 9002]);
  expect(ports(0)).toEqual([0, 0, 0]);
  expect(() => ports(65_534)).toThrow("--appliance-port: too high");
});

test("simulated sources get the addresses that are listened on, others keep theirs", () => {
  const placed = placeAppliances(mixed, new Map([["a", "127.0.0.1:40001"]]));
  expect(placed.spec.sources.map(({ url }) => url)).toEqual([
    "https://127.0.0.1:40001",
    "https://192.0.2.10",
    "https://localhost:8000",
    "https://[::1]",
  ]);
});

test.each(["http://127.0.0.1:1", "https://192.0.2.10", "https://127.0.0.1/base"])(
  "%s is no place for one",
  (url) => {
    const [source] = makeBridge({
      sources: [{ ...simulated("a", "https://127.0.0.1:1") }],
    }).spec.sources;
    expect(simulationProblems({ ...source!, url })).toMatchObject([["url", expect.any(String)]]);
    expect(simulationProblems({ ...source!, url, simulated: false })).toEqual([]);
  },
);

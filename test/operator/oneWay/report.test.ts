import fc from "fast-check";
import { expect, test } from "vitest";
import { endpointText, parseEndpoint } from "../../../common/probe/endpoint.ts";
import { reportText } from "../../../common/probe/report.ts";
import { parseReport } from "../../../operator/oneWay/parseReport.ts";

const good = { version: 1, hosts: {}, results: [["silent", 40]] };

test.each<[string, unknown]>([
  ["another version", { ...good, version: 2 }],
  ["a field more", { ...good, verified: true }],
  ["no results", { version: 1, hosts: {} }],
  ["too few results", { ...good, results: [] }],
  ["too many results", { ...good, results: [...good.results, ...good.results] }],
  ["an unknown outcome", { ...good, results: [["blocked", 40]] }],
  ["an outcome with text of its own", { ...good, results: [["failed \n<b>", 40]] }],
  ["a number as text", { ...good, results: [["silent", "40"]] }],
  ["endless time", { ...good, results: [["silent", 1e300]] }],
  ["negative time", { ...good, results: [["silent", -1]] }],
  ["half a second", { ...good, results: [["silent", 40.5]] }],
  ["a host that is a name", { ...good, hosts: { dns: "evil.example" } }],
  ["an unknown host", { ...good, hosts: { redis: "10.0.0.1" } }],
  ["null", null],
  ["a list", [good]],
])("a report with %s is none", (_, value) => {
  expect(parseReport(JSON.stringify(good), 1)).toBeDefined();
  expect(parseReport(JSON.stringify(value), 1)).toBeUndefined();
});

test("no text throws, and what is no report is none", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ size: "large" }), fc.json()), (text) => {
      expect(parseReport(text, 1)).toBeUndefined();
    }),
  );
  expect(parseReport(" ".repeat(5_000) + JSON.stringify(good), 1)).toBeUndefined();
  expect(
    parseReport(`{"version":1,"hosts":{},"results":[["silent",40]],"__proto__":{}}`, 1),
  ).toBeUndefined();
});

const anyReport = fc.record({
  version: fc.constant(1 as const),
  hosts: fc.record({ dns: fc.ipV4(), "api-server": fc.ipV6() }, { requiredKeys: [] }),
  results: fc.array(
    fc.tuple(
      fc.constantFrom(
        "connected" as const,
        "refused" as const,
        "silent" as const,
        "failed EPERM" as const,
      ),
      fc.nat({ max: 3600 }),
    ),
    { maxLength: 64 },
  ),
});

test("what the probe writes is read back", () => {
  fc.assert(
    fc.property(anyReport, (report) => {
      expect(parseReport(reportText(report), report.results.length)).toEqual(report);
    }),
  );
});

test("an endpoint is read back from its text, and nothing else is one", () => {
  const endpoint = fc.record({
    protocol: fc.constantFrom("TCP" as const, "UDP" as const),
    host: fc.oneof(
      fc.ipV4(),
      fc.ipV6().filter((host) => !host.includes(".")),
      fc.constantFrom("dns", "api-server"),
    ),
    port: fc.integer({ min: 1, max: 65_535 }),
  });
  fc.assert(
    fc.property(endpoint, (each) => {
      expect(parseEndpoint(endpointText(each))).toEqual(each);
    }),
  );
  for (const text of [
    "tcp/10.0.0.1",
    "tcp/10.0.0.1/0",
    "tcp/10.0.0.1/65536",
    "TCP/10.0.0.1/1",
    "tcp/10.0.0.1/1\n",
  ]) {
    expect(parseEndpoint(text)).toBeUndefined();
  }
});

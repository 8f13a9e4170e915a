import { expect, test } from "vitest";
import { byTurns, spreadOf } from "../../bench/gateway/median.ts";
import { chartOf } from "../../bench/gateway/chart.ts";
import { fallenBehind, ratioRow, tableOf, type Report } from "../../bench/gateway/report.ts";
import { parse } from "../../bench/gateway/wrk.ts";

const wrkReport = `Running 2s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   512.33us  101.00us   3.20ms   92.04%
  Latency Distribution
     50%  495.00us
     75%  540.00us
     90%    0.61ms
     99%    1.25ms
  123456 requests in 2.00s, 24.10MB read
Requests/sec:  61728.42
Transfer/sec:     12.05MB
`;

test("wrk's report is read, in all of its units", () => {
  expect(parse(wrkReport)).toEqual({
    rate: 61_728.42,
    throughput: 12.05 * 2 ** 20,
    p50: 0.495,
    p99: 1.25,
  });
  const slow = wrkReport.replace("1.25ms", "1.50s").replace("12.05MB", "1.50GB");
  expect(parse(slow)).toMatchObject({ p99: 1_500, throughput: 1.5 * 2 ** 30 });
});

test.each([
  ["  Non-2xx or 3xx responses: 12"],
  ["  Socket errors: connect 0, read 3, write 0, timeout 0"],
])("errors under load make no figure: %s", (line) => {
  expect(() => parse(wrkReport.replace("Requests/sec", `${line}\nRequests/sec`))).toThrow(
    line.trim(),
  );
});

test("a report that lacks a figure is refused", () => {
  expect(() => parse(wrkReport.replace(/^.*99%.*\n/m, ""))).toThrow("99%");
});

test("medians of even and odd counts, with their spread", () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
});

test("turns alternate, the first is not counted, and ratios are of neighbours", async () => {
  const order: string[] = [];
  const giving = (name: string, values: number[]) => async () => {
    order.push(name);
    return values.shift() ?? NaN;
  };
  const measured = await byTurns(2, giving("a", [9, 2, 9]), giving("b", [1, 1, 3]));
  expect(order.join("")).toBe("ababab");
  expect(measured.ratio).toEqual({ median: 2.5, least: 2, most: 3 });
});

const reportOf = (ratio: number): Report => ({
  date: "2026-01-01",
  machine: { processors: "1", node: "v26", load: 0 },
  rows: [
    ratioRow("GET", "1/s", "1/s", { median: ratio, least: ratio, most: ratio }, 0.85),
    { name: "memory", value: "1 MiB" },
  ],
});

test("what is slower than recorded by more than the tolerance is named", () => {
  expect(fallenBehind(reportOf(0.86), reportOf(1))).toEqual([]);
  expect(fallenBehind(reportOf(0.84), reportOf(1))).toEqual(["GET: 0.84, recorded 1.00"]);
  expect(fallenBehind(reportOf(0.1), { ...reportOf(1), rows: [] })).toEqual([]);
});

test("table and chart say which aims are missed", () => {
  expect(tableOf(reportOf(0.9))).toContain("≥ 0.85: met");
  expect(tableOf(reportOf(0.8))).toContain("≥ 0.85: MISSED");
  const chart = chartOf(reportOf(0.8));
  expect(chart).toContain("0.80");
  expect(chart).toMatch(/^<svg [^]*<\/svg>\n$/);
});

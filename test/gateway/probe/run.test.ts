import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Protocol } from "../../../common/probe/endpoint.ts";
import {
  attemptLimit,
  type Outcome,
  reportLimit,
  reportText,
  type Report,
} from "../../../common/probe/report.ts";
import { systemScheduler } from "../../../common/scheduler.ts";
import { parseProbeArguments } from "../../../gateway/probe/arguments.ts";
import { attempt } from "../../../gateway/probe/attempt.ts";
import { findHosts, resolveEndpoint } from "../../../gateway/probe/hosts.ts";
import { listen } from "../../../gateway/probe/listen.ts";
import { runProbe } from "../../../gateway/probe/run.ts";
import { watch } from "../../../gateway/probe/watch.ts";
import { parseReport } from "../../../operator/oneWay/parseReport.ts";
import { freePort } from "../../endToEnd/helpers/ports.ts";
import { startProgram } from "../../helpers/child.ts";
import { eventually } from "../../helpers/eventually.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { ManualScheduler } from "../../helpers/manualScheduler.ts";

const surroundings = { resolvConf: "", env: {} };

test("the program reports what its attempts came to, in their order, and ends", async () => {
  await using folder = await makeFolder();
  await using listener = await listen({ protocol: "UDP", port: 0 });
  const attempts = [`udp/127.0.0.1/${listener.port}`, `tcp/127.0.0.1/${await freePort()}`];
  const args = attempts.flatMap((attempt) => ["--attempt", attempt]);
  const file = new URL("../../../gateway/probe/main.ts", import.meta.url);
  const report = folder.at("report");
  await using child = startProgram(file, [...args, "--seconds", "1", "--report", report]);
  expect(await child.ended).toEqual({ code: 0, signal: null });
  const { results, ...rest } = parseReport(await readFile(report, "utf8"), 2)!;
  expect(rest.version).toBe(1);
  expect(results.map(([outcome]) => outcome)).toEqual(["connected", "refused"]);
});

test("a wrong argument ends it with 2 and the usage", async () => {
  const file = new URL("../../../gateway/probe/main.ts", import.meta.url);
  await using child = startProgram(file, ["--attempt", "tcp/example.org/80", "--seconds", "1"]);
  expect((await child.ended).code).toBe(2);
  expect(child.output()).toContain("not understood: --attempt tcp/example.org/80");
});

test("until-open ends with the first attempts that get through", async () => {
  await using folder = await makeFolder();
  await using listener = await listen({ protocol: "TCP", port: 0 });
  const report = folder.at("report");
  const attempt = `tcp/127.0.0.1/${listener.port}`;
  const args = ["--attempt", attempt, "--seconds", "3600", "--until-open", "--report", report];
  const signal = new AbortController().signal;
  await runProbe(parseProbeArguments(args), { surroundings, scheduler: systemScheduler, signal });
  expect(parseReport(await readFile(report, "utf8"), 1)?.results).toEqual([["connected", 0]]);
});

test("one that only listens does so until it is ended", async () => {
  const port = await freePort();
  const args = ["--listen", `tcp/${port}`, "--listen", `udp/${port}`, "--seconds", "3600"];
  const stopping = new AbortController();
  const { signal } = stopping;
  const ended = runProbe(parseProbeArguments(args), {
    surroundings,
    scheduler: new ManualScheduler(),
    signal,
  });
  const tried = (protocol: Protocol): Promise<Outcome> =>
    attempt({ protocol, host: "127.0.0.1", port }, systemScheduler);
  await eventually(async () => (await tried("UDP")) === "connected");
  for (const protocol of ["TCP", "UDP", "TCP", "UDP"] as const)
    expect(await tried(protocol)).toBe("connected");
  stopping.abort();
  await ended;
  expect(await tried("TCP")).toBe("refused");
});

test("one that is ended before its time reports nothing", async () => {
  await using folder = await makeFolder();
  const report = folder.at("report");
  const args = ["--attempt", "tcp/127.0.0.1/1", "--seconds", "3600", "--report", report];
  const signal = AbortSignal.timeout(10);
  await runProbe(parseProbeArguments(args), { surroundings, scheduler: systemScheduler, signal });
  await expect(readFile(report)).rejects.toThrow("ENOENT");
});

test.each([
  [["--seconds", "0"]],
  [["--seconds", "3601"]],
  [[]],
  [["--seconds", "1", "--listen", "tcp/65536"]],
  [["--seconds", "1", "--listen", "icmp/1"]],
  [["--seconds", "1", "--attempt", "tcp/127.0.0.1/0"]],
  [["--seconds", "1", "--attempt", "tcp/127.0.0.1/65536"]],
  [["--seconds", "1", "--attempt", "tcp/ftp/21"]],
  [["--seconds", "1", "--config", "x"]],
  [["--seconds", "1", "more"]],
  [["--seconds", "1", ...Array.from({ length: attemptLimit + 1 }, () => "--attempt=tcp/::1/1")]],
])("arguments %j are refused", (args) => {
  expect(() => parseProbeArguments(args)).toThrow("usage: probe");
});

test("how long a result has held begins anew with each other one", async () => {
  const scheduler = new ManualScheduler();
  const outcomes = ["connected", "refused", "silent", "silent", "failed EHOSTUNREACH"] as const;
  const seen = async (seconds: number) => {
    let n = 0;
    const attempt = () => Promise.resolve(outcomes[Math.floor(n++ / 20)] ?? "silent");
    const signal = new AbortController().signal;
    const held = watch({ attempt, seconds, untilOpen: false, scheduler, signal });
    await scheduler.pass(seconds * 1_000);
    return held;
  };
  expect(await seen(5)).toEqual(["connected", 5]);
  expect(await seen(15)).toEqual(["refused", 15]); // through is through
  expect(await seen(25)).toEqual(["silent", 5]);
  expect(await seen(39)).toEqual(["silent", 19]);
  expect(await seen(42)).toEqual(["failed EHOSTUNREACH", 2]);
});

test("known hosts are what kubelet says, or nothing", () => {
  const resolvConf = "search a.svc\nnameserver 10.96.0.10\nnameserver 10.96.0.11\n";
  const env = { KUBERNETES_SERVICE_HOST: "fd00::1" };
  const hosts = findHosts({ resolvConf, env });
  expect(hosts).toEqual({ dns: "10.96.0.10", "api-server": "fd00::1" });
  const dns = { protocol: "UDP", host: "dns", port: 53 } as const;
  expect(resolveEndpoint(dns, hosts)).toEqual({ ...dns, host: "10.96.0.10" });
  expect(resolveEndpoint(dns, {})).toBeUndefined();
  expect(findHosts({ resolvConf: "nameserver evil.example", env: {} })).toEqual({});
});

test("the longest report fits into a termination message", () => {
  const longest: Report = {
    version: 1,
    hosts: { dns: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "api-server": "2001:db8::1" },
    results: Array.from(
      { length: attemptLimit },
      () => [`failed ${"E".repeat(24)}`, 3600] as const,
    ),
  };
  const text = reportText(longest);
  expect(text.length).toBeLessThanOrEqual(reportLimit);
  expect(parseReport(text, attemptLimit)).toEqual(longest);
});

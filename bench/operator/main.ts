import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startControlPlane } from "../../test/cluster/controlPlane.ts";
import { createNamespace } from "../../test/cluster/objects.ts";
import { makeFolder } from "../../test/helpers/folder.ts";
import { clientOf } from "../../test/operatorCluster/helpers/apiClient.ts";
import { operatorKubeConfig } from "../../test/operatorCluster/helpers/operator.ts";
import { newScene } from "../../test/operatorCluster/helpers/scene.ts";
import { assertApplied, bridgeNames, createBridges } from "./bridges.ts";
import { timeEdits } from "./edits.ts";
import { readTemplate, writeAll } from "./floor.ts";
import { measurePolling } from "./poll.ts";
import { buildProgram } from "./program.ts";
import { quantilesBetween } from "./quantiles.ts";
import { type Measured, tableOf } from "./report.ts";
import { observeRest } from "./rest.ts";
import { type Counts, startSubject } from "./subject.ts";

const usage = `npm run bench:operator -- [--bridges N] [--rest MINUTES] [--workers N] [--save]
Measures the operator against a real API server: N bridges (1000), then MINUTES (5) in which nothing
happens. --save writes docs/performance/operator.json.`;

const saved = fileURLToPath(new URL("../../docs/performance/operator.json", import.meta.url));
/** Bridges that are edited, at most. */
const maxEdits = 300;

/** Milliseconds: how often an Event came is written within a minute. */
const eventPause = 75_000;

interface Size {
  readonly bridges: number;
  readonly minutes: number;
  readonly workers: number;
}

async function measure({ bridges, minutes, workers }: Size): Promise<Measured> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const load = loadavg()[0] ?? NaN;
  say("starts a control plane");
  await using cluster = await startControlPlane();
  const { namespace } = await newScene(cluster, "bench");
  const floorNamespace = await createNamespace(cluster, "floor");
  using admin = await clientOf(cluster.adminKubeConfig);
  const { client } = admin;
  const names = bridgeNames(bridges);
  say(`creates ${bridges} bridges`);
  await createBridges(client, namespace, names);
  await operatorKubeConfig(cluster, [namespace, floorNamespace]); // for its grants
  await using folder = await makeFolder();
  await writeFile(folder.at("ca.crt"), cluster.ca);
  await writeFile(folder.at("token"), await cluster.tokenFor("operator", namespace));

  say("starts the operator");
  const pod = { url: cluster.url, folder: folder.path };
  const flags = { "operator-namespace": namespace, workers: String(workers) };
  const program = await buildProgram(folder.path);
  await using subject = await startSubject(program, pod, { ...flags, namespaces: namespace });
  const begun = performance.now();
  const atStart = await subject.counts();
  const made = await subject.done({ ...atStart, reconciles: 0 }, bridges);
  const converge = (performance.now() - begun) / 1_000;
  await assertApplied(client, namespace, bridges);

  say("writes the same without it");
  const template = await readTemplate(client, namespace, names[0] ?? "");
  const created = await createBridges(client, floorNamespace, names);
  const floor = await writeAll(client, template, created, workers);

  say("edits");
  const edited = names.slice(0, maxEdits);
  const beforeEdits = await subject.counts();
  const edits = await timeEdits(
    client,
    { namespace, names: edited },
    { namespace: floorNamespace, names: edited },
  );
  const afterEdits = await subject.done(beforeEdits, edited.length);

  say(`watches it rest for ${minutes} minutes`);
  await delay(eventPause);
  const rest = await observeRest(subject, minutes);
  say("asks gateways");
  const polling = await measurePolling(bridges);
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      processors: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
      load,
      node: process.version,
    },
    bridges,
    objectsPerBridge: template.objects.length,
    workers,
    converge,
    floor,
    making: {
      ...quantilesBetween([], made.reconcileTimes),
      callsPerReconcile: callsBetween(undefined, made) / bridges,
    },
    editing: {
      ...quantilesBetween(beforeEdits.reconcileTimes, afterEdits.reconcileTimes),
      callsPerReconcile: perReconcile(beforeEdits, afterEdits),
    },
    edits,
    rest,
    polling,
    memory: (await subject.memory()).peak,
  };
}

/** Without the renewals of the lease, by PUT. */
function callsBetween(before: Counts | undefined, after: Counts): number {
  return Object.entries(after.requests)
    .filter(([method]) => method !== "PUT")
    .reduce((sum, [method, count]) => sum + count - (before?.requests[method] ?? 0), 0);
}

function perReconcile(before: Counts, after: Counts): number {
  return callsBetween(before, after) / (after.reconciles - before.reconciles);
}

/** @returns undefined when the command line is not as the usage says */
function parseCommand(args: string[]): (Size & { readonly save: boolean }) | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        bridges: { type: "string", default: "1000" },
        rest: { type: "string", default: "5" },
        workers: { type: "string", default: "4" },
        save: { type: "boolean", default: false },
      },
    });
    const [bridges, minutes, workers] = [values.bridges, values.rest, values.workers].map(Number);
    const isRight =
      [bridges, workers].every((value) => Number.isInteger(value) && Number(value) > 0) &&
      Number(minutes) > 0 &&
      Number(bridges) < 100_000;
    return isRight
      ? {
          bridges: Number(bridges),
          minutes: Number(minutes),
          workers: Number(workers),
          save: values.save,
        }
      : undefined;
  } catch {
    return undefined; // an option that there is not
  }
}

const command = parseCommand(process.argv.slice(2));
if (command === undefined) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else {
  const measured = await measure(command);
  process.stdout.write(`${tableOf(measured)}\n`);
  if (command.save) {
    await mkdir(new URL(".", `file://${saved}`), { recursive: true });
    await writeFile(saved, `${JSON.stringify(measured, undefined, 2)}\n`);
  }
}

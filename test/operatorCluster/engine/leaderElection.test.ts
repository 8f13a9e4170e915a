import { expect, test } from "vitest";
import type { AuditEvent } from "../../cluster/audit.ts";
import type { ControlPlaneAccess } from "../../cluster/access.ts";
import { createNamespace } from "../../cluster/objects.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { startFixture, type Child } from "../../helpers/child.ts";
import { eventually } from "../../helpers/eventually.ts";

/** Longer than a lease lasts, with all that a busy machine adds. */
const aLease = 60_000;

/** The writes of the work, in the order in which they came. */
async function writes(cluster: ControlPlaneAccess, namespace: string): Promise<string[]> {
  const isWrite = ({ stage, verb, objectRef }: AuditEvent): boolean =>
    stage === "ResponseComplete" &&
    verb === "patch" &&
    objectRef?.namespace === namespace &&
    objectRef.resource === "configmaps";
  const events = (await cluster.auditEvents()).filter(isWrite);
  const came = events.map(({ requestReceivedTimestamp: at, requestURI }) => ({
    at,
    who: new URL(requestURI, cluster.url).searchParams.get("fieldManager") ?? "",
  }));
  return came.sort((a, b) => (a.at < b.at ? -1 : 1)).map(({ who }) => who);
}

function says(child: Child, message: string): Promise<unknown> {
  return eventually(() => child.lines().find((line) => line["message"] === message), aLease);
}

test("a leader that was paused past its lease ends, and writes nothing once another leads", async () => {
  const cluster = await sharedControlPlane();
  const namespace = await createNamespace(cluster, "election");
  const start = (identity: string): Child =>
    startFixture("elector.ts", cluster.adminKubeConfig, namespace, identity);
  await using one = start("one");
  await says(one, "wrote");
  await using two = start("two");
  one.process.kill("SIGSTOP");
  await says(two, "wrote");
  one.process.kill("SIGCONT");
  expect(await one.ended).toEqual({ code: 3, signal: null });
  expect(one.lines().at(-1)).toMatchObject({ message: "lease lost" });

  const order = await eventually(async () => {
    const found = await writes(cluster, namespace);
    return found.filter((who) => who === "two").length > 10 && found;
  });
  const first = order.indexOf("two");
  expect(order.slice(0, first)).not.toContain("two");
  expect(new Set(order.slice(first))).toEqual(new Set(["two"]));

  // Who ends in good order hands over at once.
  await using three = start("three");
  two.process.kill("SIGTERM");
  expect(await two.ended).toEqual({ code: 0, signal: null });
  await says(three, "wrote");
  const after = await writes(cluster, namespace);
  expect(after.lastIndexOf("two")).toBeLessThan(after.indexOf("three"));
}, 180_000);

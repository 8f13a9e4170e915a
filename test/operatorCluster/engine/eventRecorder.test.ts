import { expect, test } from "vitest";
import { systemScheduler } from "../../../common/scheduler.ts";
import { EventRecorder } from "../../../operator/engine/eventRecorder.ts";
import { createNamespace } from "../../cluster/objects.ts";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { captureLog } from "../../helpers/capturedLog.ts";
import { eventually } from "../../helpers/eventually.ts";
import { clientOf } from "../helpers/apiClient.ts";

test("the API server takes events and their counts, and kubectl shows them", async () => {
  const cluster = await sharedControlPlane();
  const namespace = await createNamespace(cluster, "events");
  using admin = await clientOf(cluster.adminKubeConfig);
  const recorder = new EventRecorder({
    client: admin.client,
    reporter: { controller: "qrngbridge.io/operator", instance: "p".repeat(200) },
    scheduler: systemScheduler,
    log: captureLog().log,
  });
  const name = "n".repeat(253);
  const uid = "3b6a7a54-0c56-4f7a-8a3b-000000000001";
  const happening = {
    regarding: { apiVersion: "qrngbridge.io/v1alpha1", kind: "QrngBridge", namespace, name, uid },
    type: "Warning",
    reason: "DriftCorrected",
    action: "Apply",
    note: "ö".repeat(2_000),
  } as const;
  recorder.record(happening);
  await eventually(() => recorder.outcomes.get("created") === 1);
  for (let n = 0; n < 4; n++) recorder.record(happening);
  await recorder.stop();
  const get = ["get", "events.events.k8s.io", "--namespace", namespace, "--output", "json"];
  const { items } = JSON.parse(await cluster.kubectl(get)) as { items: Record<string, unknown>[] };
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({
    reason: "DriftCorrected",
    action: "Apply",
    type: "Warning",
    regarding: { kind: "QrngBridge", name, uid },
    series: { count: 5 },
  });
});

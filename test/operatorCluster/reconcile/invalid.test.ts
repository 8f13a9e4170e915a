import { expect, test } from "vitest";
import { sharedControlPlane } from "../../cluster/shared.ts";
import { smallest, type Spec } from "../helpers/bridge.ts";
import { endState } from "../helpers/endState.ts";
import { startTestOperator } from "../helpers/operator.ts";
import { newScene, settleBridge } from "../helpers/scene.ts";

test("a spec that only the operator can judge stalls the bridge, and what runs stays as it is", async () => {
  const scene = await newScene(await sharedControlPlane(), "invalid");
  await using operator = await startTestOperator(scene.cluster, [scene.namespace]);
  await scene.applyBridge("lab", smallest);
  await settleBridge(scene, "lab");
  const { conditions: _, ...before } = await endState(scene, "lab");
  const { length } = await operator.writes();
  // Four numbers between dots are an address to the API server's rule.
  const spec: Spec = { sources: [{ name: "lab", type: "Quantis", url: "https://999.0.2.10" }] };
  await scene.applyBridge("lab", spec);
  const message = await scene.reasonIs("lab", "Stalled", "InvalidSpec");
  expect(message).toBe("spec.sources.0.url: must be a URL");
  expect((await scene.conditionOf("lab", "Ready"))?.reason).toBe("InvalidSpec");
  const { conditions: __, ...after } = await endState(scene, "lab");
  expect(after).toEqual(before);
  expect(await operator.writes()).toHaveLength(length + 1); // the status

  await scene.applyBridge("lab", smallest);
  await scene.reasonIs("lab", "Stalled", "NotStalled");
});

import { expect, test } from "vitest";
import { applyYaml, createNamespace } from "./objects.ts";
import { sharedControlPlane } from "./shared.ts";

test("objects are kept, in namespaces of their own", async () => {
  const cluster = await sharedControlPlane();
  const namespace = await createNamespace(cluster, "objects");
  await applyYaml(cluster, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {b: c}}", {
    namespace,
  });
  const get = ["get", "configmap", "a", "-n", namespace, "-o", "jsonpath={.data.b}"];
  expect(await cluster.kubectl(get)).toBe("c");
});

import fc from "fast-check";
import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { expect, test } from "vitest";
import { collectorConfig } from "../../../collector/config.ts";
import { parseConfig } from "../../../common/config/load.ts";
import { gatewayConfig } from "../../../gateway/config.ts";
import { type BridgeInput, qrngBridge } from "../../../operator/bridge/schema.ts";
import { buildAll } from "../../../operator/build/buildAll.ts";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import { anySpec } from "./anyBridge.ts";
import { makeFacts } from "./facts.ts";
import {
  type BuiltDeployment,
  type BuiltService,
  isSubset,
  nameOf,
  neededBy,
  ofKind,
  offeredBy,
  podSpecOf,
} from "./references.ts";

const label = /^([A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$/;
const labelKey =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;
const serviceName = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/; // RFC 1035, the strictest of kinds here

const name = fc.oneof(fc.constant("a"), fc.stringMatching(/^[a-z][-a-z0-9]{38}[a-z0-9]$/));
const namespace = fc.oneof(fc.constant("x"), fc.stringMatching(/^[a-z0-9][-a-z0-9]{61}[a-z0-9]$/));

/** Runs a check on what is built for arbitrary bridges, and sees to it that there were many. */
function forAnyBridge(
  check: (objects: readonly OwnedObject[], spec: BridgeInput["spec"]) => void,
  runs = 300,
): void {
  let built = 0;
  fc.assert(
    fc.property(anySpec, name, namespace, (spec, name, namespace) => {
      const input = {
        apiVersion: "qrngbridge.io/v1alpha1",
        kind: "QrngBridge",
        metadata: { name, namespace },
        spec,
      };
      if (!qrngBridge.safeParse(input).success) return;
      const result = buildAll(makeFacts(spec, { name, namespace }));
      if ("problems" in result) throw new Error(JSON.stringify(result.problems));
      built++;
      check(result.objects, spec);
    }),
    { numRuns: runs },
  );
  expect(built).toBeGreaterThan(runs / 2); // else this shows little
}

test("every object can be owned, found and told apart", () => {
  forAnyBridge((objects) => {
    const names = objects.map(nameOf);
    expect(new Set(names).size).toBe(names.length);
    for (const { metadata } of objects) {
      expect(metadata.name).toMatch(serviceName);
      expect(metadata.ownerReferences).toHaveLength(1);
      expect(metadata.ownerReferences[0]).toMatchObject({ kind: "QrngBridge", controller: true });
      expect(metadata.ownerReferences[0].uid).not.toBe("");
      expect(metadata.labels["qrngbridge.io/bridge"]).toBe(metadata.ownerReferences[0].name);
      expectLabels(metadata.labels);
    }
  });
});

test("what a pod mounts and runs as is built, or the user's", () => {
  forAnyBridge((objects, spec) => {
    const offered = new Set([...offeredBy(objects), ...givenBy(spec)]);
    for (const deployment of ofKind<BuiltDeployment>(objects, "Deployment")) {
      const pod = podSpecOf(deployment);
      expect(neededBy(pod).filter((need) => !offered.has(need))).toEqual([]);
      const mounts = pod.containers[0]!.volumeMounts!.map((mount) => mount.name);
      expect(mounts.toSorted()).toEqual(pod.volumes!.map((volume) => volume.name).toSorted());
      for (const volume of mounts) expect(volume).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      expectLabels(deployment.spec!.template.metadata!.labels!);
      expect(
        isSubset(deployment.spec!.selector.matchLabels, deployment.spec!.template.metadata!.labels),
      ).toBe(true);
    }
  });
});

test("pods come after all else, so that nothing they need, and no name, is missing", () => {
  forAnyBridge((objects) => {
    const kinds = objects.map(({ kind }) => kind);
    const first = kinds.indexOf("Deployment");
    expect(new Set(kinds.slice(first))).toEqual(new Set(["Deployment"]));
    expect(kinds.slice(0, first)).toContain("NetworkPolicy");
  }, 100);
});

test("a Service leads to one program's pods, by ports that they name", () => {
  forAnyBridge((objects) => {
    const deployments = ofKind<BuiltDeployment>(objects, "Deployment");
    for (const { metadata, spec } of ofKind<BuiltService>(objects, "Service")) {
      const selected = deployments.filter((deployment) =>
        isSubset(spec!.selector, deployment.spec!.template.metadata!.labels),
      );
      expect(selected.map(nameOf), metadata.name).toHaveLength(1);
      const named = podSpecOf(selected[0]!).containers[0]!.ports!;
      for (const { targetPort, port } of spec!.ports!) {
        expect(named).toContainEqual({ name: targetPort, containerPort: port, protocol: "TCP" });
      }
    }
  });
});

test("pods are restricted and have requests and limits", () => {
  forAnyBridge((objects) => {
    for (const deployment of ofKind<BuiltDeployment>(objects, "Deployment")) {
      const { containers, ...pod } = podSpecOf(deployment);
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      expect(containers).toHaveLength(1);
      const [{ resources, securityContext }] = containers as [(typeof containers)[0]];
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        readOnlyRootFilesystem: true,
      });
      for (const kind of ["requests", "limits"] as const) {
        expect(resources?.[kind]).toHaveProperty("cpu");
        expect(resources?.[kind]).toHaveProperty("memory");
      }
    }
  });
});

test.each(["10.0.0.7", "fd00::7"])(
  "the programs accept their configs in a pod at %s",
  (address) => {
    const schemas = { "collector.yaml": collectorConfig, "gateway.yaml": gatewayConfig };
    forAnyBridge((objects) => {
      for (const { data = {} } of ofKind<ConfigMap & OwnedObject>(objects, "ConfigMap")) {
        for (const [file, schema] of Object.entries(schemas)) {
          const text = data[file];
          if (text !== undefined) parseConfig(schema, text, file, { POD_IP: address });
        }
      }
    });
  },
);

test("no Secret's content is anywhere but in Secrets", () => {
  forAnyBridge((objects) => {
    const others = JSON.stringify(objects.filter(({ kind }) => kind !== "Secret"));
    for (const secret of ["the ring", "what is waited for", "the key", "the hash", "its key"]) {
      expect(others).not.toContain(secret);
    }
  }, 100);
});

test("the same facts give the same objects", () => {
  forAnyBridge((objects, spec) => {
    const { namespace, ownerReferences } = objects[0]!.metadata;
    const { name } = ownerReferences[0];
    expect(buildAll(makeFacts(structuredClone(spec), { name, namespace }))).toEqual({ objects });
  }, 100);
});

function expectLabels(labels: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(labels)) {
    expect(key).toMatch(labelKey);
    expect(value).toMatch(label);
  }
}

/** Every reference in a spec, whatever the field is called. */
function givenBy(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const nested = Object.values(value).flatMap(givenBy);
  const { name, key, kind = "Secret" } = value as Record<string, unknown>;
  if (typeof name !== "string") return nested;
  const keys = typeof key === "string" ? [key] : ["tls.crt", "tls.key"];
  return [...nested, ...keys.map((each) => `${String(kind)} ${name} ${each}`)];
}

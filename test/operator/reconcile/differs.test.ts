import { describe, expect, test } from "vitest";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import { difference } from "../../../operator/reconcile/differs.ts";
import { hashIntent } from "../../../operator/reconcile/intent.ts";
import { knownObject } from "../../../operator/reconcile/owned.ts";
import { makeFacts, objectsOf } from "../build/facts.ts";

const service = objectsOf(
  makeFacts({ sources: [{ name: "lab", type: "Quantis", url: "https://192.0.2.10" }] }),
).find(
  ({ kind, metadata }) => kind === "Service" && metadata.name === "lab-gateway",
) as OwnedObject;

/** As an API server keeps it after an apply: FieldsV1 of what was sent. */
const ownedFields = {
  "f:metadata": {
    "f:annotations": { "f:qrngbridge.io/intent": {} },
    "f:labels": Object.fromEntries(
      Object.keys(service.metadata.labels).map((label) => [`f:${label}`, {}]),
    ),
    "f:ownerReferences": { [`k:{"uid":"${service.metadata.ownerReferences[0].uid}"}`]: {} },
  },
  "f:spec": {
    "f:type": {},
    "f:selector": {},
    "f:ports": {
      ".": {},
      'k:{"port":7764,"protocol":"TCP"}': {
        ".": {},
        "f:name": {},
        "f:port": {},
        "f:protocol": {},
        "f:targetPort": {},
        "f:appProtocol": {},
      },
    },
  },
};

function found(fieldsV1: object | undefined, intent: string = hashIntent(service)) {
  const annotations = { "qrngbridge.io/intent": intent };
  const ours = { manager: "qrng-bridge", operation: "Apply", fieldsV1 };
  const managedFields = fieldsV1 === undefined ? [] : [ours];
  const metadata = {
    name: "lab-gateway",
    uid: "1",
    resourceVersion: "7",
    annotations,
    managedFields,
  };
  return knownObject({ metadata });
}

const without = (part: string): object =>
  JSON.parse(JSON.stringify(ownedFields), (key, value: unknown) =>
    key === part ? undefined : value,
  ) as object;

describe("an object", () => {
  test("of which all fields are ours and the intent is the same needs nothing", () => {
    expect(difference(service, found(ownedFields), undefined)).toBeUndefined();
  });

  test("with another intent is applied", () => {
    expect(difference(service, found(ownedFields, "other"), undefined)).toBe("intent");
  });

  test.each([
    "f:type",
    "f:selector",
    "f:name",
    'k:{"port":7764,"protocol":"TCP"}',
    "f:ownerReferences",
  ])("of which %s is no longer ours has drifted", (part) => {
    expect(difference(service, found(without(part)), undefined)).toBe("drift");
  });

  test("of which the API server never gave us a field is accepted as that", () => {
    const less = without("f:type");
    expect(difference(service, found(less), JSON.stringify(less))).toBeUndefined();
  });

  test("that was created and never applied is applied, also when killed in between", () => {
    const metadata = { name: "lab-gateway", uid: "1", resourceVersion: "7" };
    expect(difference(service, knownObject({ metadata }), undefined)).toBe("intent");
  });

  test("whose record of managers was wiped is applied", () => {
    expect(difference(service, found(undefined), undefined)).toBe("drift");
  });
});

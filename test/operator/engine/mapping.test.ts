import { expect, test } from "vitest";
import { controllerKey, labelledKey, References } from "../../../operator/engine/mapping.ts";

const owner = { group: "qrngbridge.io", kind: "QrngBridge" };
const reference = {
  apiVersion: "qrngbridge.io/v1alpha1",
  kind: "QrngBridge",
  name: "b",
  uid: "u",
  controller: true,
};

test("an owned object leads to its controller, whatever the version it was written with", () => {
  const key = (more: object): string[] =>
    controllerKey({ namespace: "n", ownerReferences: [{ ...reference, ...more }] }, owner);
  expect(key({})).toEqual(["n/b"]);
  expect(key({ apiVersion: "qrngbridge.io/v1" })).toEqual(["n/b"]);
  expect(key({ controller: false })).toEqual([]);
  expect(key({ kind: "Deployment" })).toEqual([]);
  expect(key({ apiVersion: "other.io/v1alpha1" })).toEqual([]);
  expect(controllerKey({ namespace: "n" }, owner)).toEqual([]);
});

test("a labelled object leads to whom its label names", () => {
  expect(labelledKey({ namespace: "n", labels: { bridge: "b" } }, "bridge")).toEqual(["n/b"]);
  expect(labelledKey({ namespace: "n", labels: {} }, "bridge")).toEqual([]);
  expect(labelledKey({ namespace: "n" }, "bridge")).toEqual([]);
});

test("references lead back, and are forgotten with who made them", () => {
  const references = new References();
  references.set("n/a", ["n/x", "n/y"]);
  references.set("n/b", ["n/y"]);
  expect(references.to("n/y")).toEqual(["n/a", "n/b"]);
  references.set("n/a", ["n/x"]);
  expect(references.to("n/y")).toEqual(["n/b"]);
  references.set("n/b", []);
  references.set("n/a", []);
  expect([references.to("n/x"), references.to("n/y")]).toEqual([[], []]);
});

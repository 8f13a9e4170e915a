import { expect, test } from "vitest";
import type { OwnedObject } from "../../../operator/build/metadata.ts";
import type { Happening } from "../../../operator/engine/events.ts";
import { announceDone, type Done } from "../../../operator/reconcile/announce.ts";
import type { Applied } from "../../../operator/reconcile/apply.ts";

const bridge = { metadata: { name: "lab", namespace: "physics", uid: "b", resourceVersion: "1" } };

function owned(kind: string, name: string): OwnedObject {
  const owner = { apiVersion: "", kind: "QrngBridge", name: "lab", uid: "b", controller: true };
  const ownerReferences = [{ ...owner, controller: true as const }] as [
    OwnedObject["metadata"]["ownerReferences"][0],
  ];
  return {
    apiVersion: "v1",
    kind,
    metadata: { name, namespace: "physics", labels: {}, ownerReferences },
  };
}

const objects = [owned("Secret", "lab-a"), owned("Secret", "lab-b"), owned("Service", "lab")];

function applied(object: OwnedObject | undefined, more: Partial<Applied>): Applied {
  if (object === undefined) throw new Error("no object");
  return { object, because: "absent", otherManager: undefined, isAltered: false, ...more };
}

/** What is told of it, as `reason: note`. */
function told(done: Partial<Done>): string[] {
  const happenings: Happening[] = [];
  const nothing = { objects, applied: [], isLost: () => false, steps: [] };
  announceDone((each) => happenings.push(each), bridge, { ...nothing, ...done });
  return happenings.map(({ reason, note }) => `${reason}: ${note}`);
}

const steps = [
  { reason: "CertificateIssued", message: "certificate gateway was issued: it was due" },
  { reason: "CertificateIssued", message: "certificate collector was issued: it was due" },
  { reason: "KeyPublished", message: "key 1 was made and is to sign next" },
];

test("of a bridge that was made as a whole there is one event", () => {
  const all = objects.map((object) => applied(object, {}));
  expect(told({ applied: all, steps })).toEqual(["Created: made 3 objects: 2 Secret, 1 Service"]);
  expect(told({ applied: all.slice(1) })).toEqual([]);
  expect(told({ applied: all, isLost: () => true })).toEqual([
    [
      "ObjectRestored: Secret lab-a was deleted by others, and is there again",
      "Secret lab-b was deleted by others, and is there again",
      "Service lab was deleted by others, and is there again",
    ].join("; "),
  ]);
});

test("steps of one kind are one event that has the text of all", () => {
  expect(told({ steps })).toEqual([
    "CertificateIssued: certificate gateway was issued: it was due; certificate collector was issued: it was due",
    "KeyPublished: key 1 was made and is to sign next",
  ]);
});

test("drift says whose it was, and altered answers are told beside what was made", () => {
  const [first, second] = objects;
  const drift = applied(first, { because: "drift", otherManager: "kubectl-edit" });
  const altered = applied(second, { because: "intent", isAltered: true });
  expect(told({ applied: [drift, altered] })).toEqual([
    "DriftCorrected: Secret lab-a was changed by others, last by kubectl-edit, and is as before again",
    "AnswerAltered: Secret lab-b: the API server stores other values than were asked for; they are accepted",
  ]);
  const all = objects.map((object) => applied(object, { isAltered: object === first }));
  expect(told({ applied: all })).toEqual([
    "Created: made 3 objects: 2 Secret, 1 Service",
    "AnswerAltered: Secret lab-a: the API server stores other values than were asked for; they are accepted",
  ]);
});

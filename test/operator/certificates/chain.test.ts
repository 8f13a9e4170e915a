import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import type { Chain, StoredChain } from "../../../operator/certificates/chain.ts";
import { handshake } from "../../helpers/handshake.ts";
import {
  asStored,
  clientSpec,
  day,
  look,
  propagationSeconds,
  reasonsOf,
  serverSpec,
  start,
} from "./helpers.ts";

const leafOf = (chain: Chain) => chain.leaves["gateway"]!["tls.crt"];
const datesOf = (pem: string) => {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  return [validFromDate, validToDate].map((date) => date.getTime() / 1000 - start);
};
const countOf = (bundle: string) => bundle.match(/BEGIN CERTIFICATE/g)?.length;
const caDue = (900 * day * 2) / 3;

test("the first look makes a CA and its leaves, the next changes nothing until one is due", async () => {
  const first = await look(undefined, 0);
  expect(reasonsOf(first)).toEqual(["AuthorityCreated", "CertificateIssued"]);
  expect(datesOf(leafOf(first))).toEqual([-3600, 90 * day]);
  expect(datesOf(first.bundle)).toEqual([-3600, 900 * day]);
  expect(first.firstEnd).toEqual(new Date((start + 90 * day) * 1000));
  const later = await look(first, 60 * day - 1);
  expect(later).toEqual({ ...first, steps: [], lookAgain: 1 });
});

test("a leaf is renewed at two thirds of its life and covers the one before", async () => {
  const first = await look(undefined, 0);
  const renewed = await look(first, 60 * day);
  expect(renewed.steps).toEqual([
    { reason: "CertificateIssued", message: "certificate gateway was issued: it was due" },
  ]);
  expect(datesOf(leafOf(renewed))).toEqual([-3600, 150 * day]);
  expect(renewed.authority).toEqual(first.authority);
  let chain = renewed;
  for (let time = 120; time < 1800; time += 60) {
    chain = await look(chain, time * day);
    const [begin = 0, end = 0] = datesOf(leafOf(chain));
    expect(end - begin).toBeLessThanOrEqual(825 * day);
  }
});

test("what a clock that was ahead made is good by either clock after the next look", async () => {
  const year = 365 * day;
  const ahead = await look(undefined, year);
  const back = await look(ahead, 0);
  expect(reasonsOf(back)).toEqual(["AuthorityPublished", "CertificateIssued"]);
  expect(datesOf(leafOf(back))).toEqual([-3600, year + 90 * day]);
  const switched = await look(await look(back, 1), 200);
  expect(datesOf(switched.authority["ca.crt"]!)).toEqual([-3600, year + 900 * day]);
  expect(reasonsOf(await look(switched, 201))).toEqual([]);
});

test("other names make a new leaf, the same ones in another order do not", async () => {
  const first = await look(undefined, 0);
  const names = serverSpec.leaves["gateway"]!;
  const turned = { ...serverSpec, leaves: { gateway: [...names, names[0]!].reverse() } };
  expect(reasonsOf(await look(first, 1, turned))).toEqual([]);
  const more = { ...serverSpec, leaves: { gateway: [...names, "qrng.example.com"] } };
  const changed = await look(first, 1, more);
  expect(changed.steps[0]?.message).toMatch(/its names have changed$/);
  expect(new X509Certificate(leafOf(changed)).checkHost("qrng.example.com")).toBeDefined();
});

test("a CA is published, signs when all bundles have had it for long enough, and replaces the old", async () => {
  const first = await look(undefined, 0);
  const published = await look(first, caDue);
  expect(reasonsOf(published)).toEqual(["AuthorityPublished", "CertificateIssued"]);
  expect(countOf(published.bundle)).toBe(2);

  // One of two places does not have it yet.
  const partly: StoredChain = { ...published, bundles: [published.bundle, first.bundle] };
  const waiting = await look(await look(partly, caDue + 500), caDue + 5000);
  expect(waiting.lookAgain).toBe(propagationSeconds);
  expect(reasonsOf(await look(waiting, caDue + 5000 + propagationSeconds - 1))).toEqual([]);
  const switched = await look(waiting, caDue + 5000 + propagationSeconds);
  expect(reasonsOf(switched)).toEqual(["AuthoritySwitched", "CertificateIssued"]);
  expect(switched.bundle.split("-----BEGIN").sort()).toEqual(
    published.bundle.split("-----BEGIN").sort(),
  );

  // The leaf's Secret could not be written: the old CA stays as long as it takes.
  const failed: StoredChain = { ...asStored(switched), leaves: published.leaves };
  const late = await look(failed, caDue + 100_000);
  expect(countOf(late.bundle)).toBe(2);
  expect(reasonsOf(late)).toEqual(["CertificateIssued"]);
  const replaced = await look(late, caDue + 100_001);
  expect(reasonsOf(await look(replaced, caDue + 100_120))).toEqual([]);
  const retired = await look(replaced, caDue + 100_121);
  expect(reasonsOf(retired)).toEqual(["AuthorityRetired"]);
  expect(countOf(retired.bundle)).toBe(1);
  expect(retired.authority["ca.crt"]).toBe(retired.bundle);
  expect(Object.keys(retired.authority).sort()).toEqual(["ca.crt", "ca.key", "state.json"]);
});

test("while a CA changes, TLS works between those who have read it and those who have not", async () => {
  const before = await look(undefined, 0, { ...serverSpec, certificateSeconds: day });
  const due = (20 * day) / 3;
  const spec = { ...serverSpec, certificateSeconds: day };
  const published = await look(before, due, spec);
  const waiting = await look(published, due + 1, spec);
  const after = await look(waiting, due + 200, spec);
  for (const shown of [published, after]) {
    const { "tls.crt": cert, "tls.key": key } = shown.leaves["gateway"]!;
    for (const { bundle } of [published, after]) {
      expect(await handshake({ cert, key }, { ca: bundle })).toBe("no client certificate");
    }
  }
});

test.each<[string, (content: Record<string, string>, other: Chain) => void, RegExp]>([
  ["is gone", (leaf) => void delete leaf["tls.crt"], /none that can be read/],
  [
    "is cut",
    (leaf) => void (leaf["tls.crt"] = leaf["tls.crt"]!.slice(0, 300)),
    /none that can be read/,
  ],
  ["is two", (leaf) => void (leaf["tls.crt"] += leaf["tls.crt"]!), /none that can be read/],
  ["has no key", (leaf) => void delete leaf["tls.key"], /its key was not/],
  ["has a broken key", (leaf) => void (leaf["tls.key"] = "secret-text"), /its key was not/],
  [
    "has another's key",
    (leaf, other) => void (leaf["tls.key"] = other.leaves["gateway"]!["tls.key"]),
    /its key was not/,
  ],
  [
    "is another CA's",
    (leaf, other) => void Object.assign(leaf, other.leaves["gateway"]),
    /another CA/,
  ],
])("a leaf that %s is issued anew", async (_, edit, message) => {
  const [first, other] = [await look(undefined, 0), await look(undefined, 0)];
  const leaf = { ...first.leaves["gateway"]! };
  edit(leaf, other);
  const { steps, leaves } = await look({ ...asStored(first), leaves: { gateway: leaf } }, 1);
  expect(steps).toEqual([{ reason: "CertificateIssued", message: expect.stringMatching(message) }]);
  expect(JSON.stringify(steps)).not.toContain("secret-text");
  const { "tls.crt": cert, "tls.key": key } = leaves["gateway"]!;
  expect(await handshake({ cert, key }, { ca: first.bundle })).toBe("no client certificate");
});

test("a client's leaf in a server's place is issued anew", async () => {
  const clients = await look(undefined, 0, { ...clientSpec, name: serverSpec.name });
  const spec = { ...serverSpec, leaves: { collector: clientSpec.leaves["collector"]! } };
  expect((await look(clients, 1, spec)).steps[0]?.message).toMatch(/another use/);
});

test("a CA that lost its key stays trusted until another signs; its leaves stay as they are", async () => {
  const first = await look(undefined, 0);
  const other = await look(undefined, 0);
  for (const key of [undefined, "broken", other.authority["ca.key"]]) {
    const { "ca.key": _, ...rest } = first.authority;
    const authority = key === undefined ? rest : { ...rest, "ca.key": key };
    const published = await look({ ...asStored(first), authority }, 1);
    expect(reasonsOf(published)).toEqual(["AuthorityPublished"]);
    expect(published.leaves).toEqual(first.leaves);
    expect(published.bundle.startsWith(first.bundle)).toBe(true);
    const switched = await look(await look(published, 2), 200);
    expect(reasonsOf(switched)).toEqual(["AuthoritySwitched", "CertificateIssued"]);
  }
});

test("a CA that loses its key before its first leaf is written does not stop the change", async () => {
  const spec = { ...serverSpec, certificateSeconds: day };
  const published = await look(await look(undefined, 0, spec), 7 * day, spec);
  const switched = await look(await look(published, 7 * day + 1, spec), 7 * day + 200, spec);
  const { "ca.key": _, ...authority } = switched.authority;
  const lost: StoredChain = { authority, leaves: published.leaves, bundles: [switched.bundle] };
  const again = await look(lost, 7 * day + 201, spec);
  expect(reasonsOf(again)).toEqual(["AuthorityPublished"]);
  expect(countOf(again.bundle)).toBe(3);
  const ended = await look(await look(again, 7 * day + 202, spec), 7 * day + 400, spec);
  expect(reasonsOf(ended)).toEqual(["AuthoritySwitched", "CertificateIssued"]);
  const { "tls.crt": cert, "tls.key": key } = published.leaves["gateway"]!;
  expect(await handshake({ cert, key }, { ca: ended.bundle })).toBe("no client certificate");
});

test.each([
  ["broken", () => ({ "ca.crt": "secret-text" })],
  [
    "a leaf",
    (first: Chain) => ({ "ca.crt": leafOf(first), "ca.key": first.leaves["gateway"]!["tls.key"] }),
  ],
  ["of another name", (_: Chain, foreign: Chain) => foreign.authority],
])("a CA that is %s is replaced at once", async (_, edit) => {
  const first = await look(undefined, 0);
  const foreign = await look(undefined, 0, { ...serverSpec, name: "somebody else's" });
  const chain = await look({ ...asStored(first), authority: edit(first, foreign) }, 1);
  expect(reasonsOf(chain)).toEqual(["AuthorityCreated", "CertificateIssued"]);
  expect(JSON.stringify(chain.steps)).not.toContain("secret-text");
  expect(new X509Certificate(chain.bundle).subject).toBe(`CN=${serverSpec.name}`);
});

test("a certificate whose CA ends first is not issued again at every look", async () => {
  const spec = { ...serverSpec, certificateSeconds: day };
  const first = await look(undefined, 0, spec);
  // Long stopped: the CA has ended, and a successor has to be trusted before it signs.
  const woken = await look(first, 30 * day, spec);
  expect(reasonsOf(woken)).toEqual(["AuthorityPublished", "CertificateIssued"]);
  expect(datesOf(leafOf(woken))[1]).toBe(10 * day); // never longer than its CA
  expect(reasonsOf(await look(woken, 30 * day + 1, spec))).toEqual([]);
  const switched = await look(await look(woken, 30 * day + 1, spec), 30 * day + 200, spec);
  expect(datesOf(leafOf(switched))[1]).toBe(31 * day + 200);
});

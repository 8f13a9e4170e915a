import { expect, test } from "vitest";
import { createAuthority, issueLeaf } from "../../../operator/certificates/authority.ts";
import {
  isAuthority,
  isIssuedBy,
  type ReadCertificate,
  readPair,
} from "../../../operator/certificates/inspect.ts";
import { start } from "./helpers.ts";

const validity = {
  notBefore: new Date((start - 3600) * 1000),
  notAfter: new Date((start + 3600) * 1000),
};
const [one, other] = await Promise.all(
  ["same", "same"].map((name) => createAuthority({ name, ...validity })),
);
const leaf = await issueLeaf(one!, { usage: "server", names: ["lab.example"] }, validity);

function read(pair: { certificate: string; key: string } | undefined): ReadCertificate {
  const found = pair && readPair(pair.certificate, pair.key);
  if (found === undefined) throw new Error("cannot be read");
  return found;
}

test("a leaf is judged by its CA's key, however often and in whatever order", () => {
  for (let n = 0; n < 2; n++) {
    expect(isIssuedBy(read(leaf), read(other))).toBe(false);
    expect(isIssuedBy(read(leaf), read(one))).toBe(true);
    expect(isIssuedBy(read(one), read(leaf))).toBe(false);
  }
});

test("a CA is one by its own name alone, and a leaf is none", () => {
  for (let n = 0; n < 2; n++) {
    expect(isAuthority(read(one), "same")).toBe(true);
    expect(isAuthority(read(one), "another")).toBe(false);
    expect(isAuthority(read(leaf), "same")).toBe(false);
  }
});

test("a certificate that was changed since is judged anew", () => {
  const found = read(leaf);
  expect(isIssuedBy(found, read(one))).toBe(true);
  const der = Buffer.from(found.parsed.raw);
  der[der.length - 1]! ^= 1; // of the signature
  const text = `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
  expect(isIssuedBy(read({ certificate: text, key: leaf.key }), read(one))).toBe(false);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { createAuthority, issueLeaf } from "../../../operator/certificates/authority.ts";
import { leafFault, readPair } from "../../../operator/certificates/inspect.ts";
import { start } from "./helpers.ts";

const validity = {
  notBefore: new Date((start - 3600) * 1000),
  notAfter: new Date((start + 3600) * 1000),
};
const authority = await createAuthority({ name: "names", ...validity });
const usage = "server";

/** Why a leaf that was issued for some names is not what is wanted for others. */
async function faultOf(issued: readonly string[], wanted: readonly string[]) {
  const leaf = await issueLeaf(authority, { usage, names: issued }, validity);
  const read = readPair(leaf.certificate, leaf.key);
  const issuer = readPair(authority.certificate, authority.key);
  if (issuer === undefined) throw new Error("no authority");
  return leafFault(read, { usage, names: wanted }, issuer);
}

const changed = "its names have changed";
const name = fc.oneof(
  fc.domain(),
  fc.domain().map((host) => `push.${host}`),
  fc.ipV4(),
  fc.ipV6().filter((address) => !address.includes(".")), // two texts of one address are one name
);
const names = fc.uniqueArray(name, {
  minLength: 1,
  maxLength: 8,
  selector: (text) => text.toLowerCase(),
});

test("any names are those of the leaf that was issued for them, in any order", async () => {
  await fc.assert(
    fc.asyncProperty(names, async (wanted) => {
      expect(await faultOf(wanted, wanted.toReversed())).toBeUndefined();
    }),
    { numRuns: 30 },
  );
});

test("one name more, less, or another is a change", async () => {
  await fc.assert(
    fc.asyncProperty(names, name, fc.nat(), async (issued, other, nth) => {
      fc.pre(!issued.some((text) => sameName(text, other)));
      const at = nth % issued.length;
      expect(await faultOf(issued, [...issued, other])).toBe(changed);
      expect(await faultOf([...issued, other], issued)).toBe(changed);
      expect(await faultOf(issued, issued.with(at, other))).toBe(changed);
    }),
    { numRuns: 30 },
  );
});

function sameName(one: string, other: string): boolean {
  const normal = (text: string): string =>
    text.includes(":") ? new URL(`http://[${text}]`).host : text.toLowerCase();
  return normal(one) === normal(other);
}

test.each([
  ["a wildcard stands for itself alone", ["*.lab.example"], ["a.lab.example"]],
  ["part of a name is none", ["lab.example"], ["a.lab.example"]],
  ["an address is no host name", ["10.0.0.1"], ["10.0.0.2"]],
])("%s", async (_, issued, wanted) => {
  expect(await faultOf(issued, wanted)).toBe(changed);
  expect(await faultOf(wanted, issued)).toBe(changed);
});

test("one address written in two ways is one name", async () => {
  expect(await faultOf(["2001:db8:0:0:0:0:0:1"], ["2001:db8::1"])).toBeUndefined();
});

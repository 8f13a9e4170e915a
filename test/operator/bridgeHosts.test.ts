import fc from "fast-check";
import { expect, test } from "vitest";
import { hasAddress, reach } from "../../operator/bridge/hosts.ts";

const block = (cidr: string) => [{ ipBlock: { cidr } }];
const egress = { to: block("198.51.100.0/24"), ports: [8443, 9443] };

test.each([
  ["https://192.0.2.10", { to: block("192.0.2.10/32"), ports: [443] }],
  ["https://192.0.2.10:8443/a", { to: block("192.0.2.10/32"), ports: [8443] }],
  ["https://[2001:db8::1]/", { to: block("2001:db8::1/128"), ports: [443] }],
  ["https://[2001:DB8:0::1]:1", { to: block("2001:db8::1/128"), ports: [1] }],
  ["http://192.0.2.20:3128", { to: block("192.0.2.20/32"), ports: [3128] }],
  ["http://192.0.2.20", { to: block("192.0.2.20/32"), ports: [80] }],
  ["rediss://user@192.0.2.30/0", { to: block("192.0.2.30/32"), ports: [6379] }],
  ["https://127.0.0.1:7766", { to: [], ports: [7766] }],
  ["http://localhost", { to: [], ports: [80] }],
])("%s is reached where it says", (url, expected) => {
  expect(reach(url, undefined)).toEqual(expected);
  expect(hasAddress(url)).toBe(true);
});

test("egress comes before the URL, port by port", () => {
  expect(reach("https://192.0.2.10", egress)).toEqual(egress);
  expect(reach("https://qrng.example:444", { to: egress.to })).toEqual({
    to: egress.to,
    ports: [444],
  });
});

test.each(["https://qrng.example", "https://192.0.2.10.example", "https://a-1:443", "nothing"])(
  "%s says nothing by itself",
  (url) => {
    expect(reach(url, undefined)).toBeUndefined();
    expect(hasAddress(url)).toBe(false);
  },
);

test("the rule's expression takes no host name for an address", () => {
  const path = fc.webPath().map((text) => text.replaceAll(/[?#]/g, ""));
  fc.assert(
    fc.property(fc.domain(), path, (host, rest) => {
      expect(hasAddress(`https://${host}${rest}`)).toBe(false);
    }),
  );
});

test("what it takes for an address is one, where it is a URL at all", () => {
  const part = fc.integer({ min: 0, max: 999 });
  const ipv4 = fc.tuple(part, part, part, part).map((parts) => parts.join("."));
  const port = fc.constantFrom("", ":1", ":99999");
  const host = fc.oneof(
    ipv4,
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
  );
  fc.assert(
    fc.property(host, port, (address, suffix) => {
      const url = `https://${address}${suffix}`;
      expect(hasAddress(url)).toBe(true);
      expect(reach(url, undefined) !== undefined).toBe(URL.canParse(url));
    }),
  );
});

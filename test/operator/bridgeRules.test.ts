import { describe, expect, test } from "vitest";
import { qrngBridge } from "../../operator/bridge/schema.ts";
import { bridgeInput } from "./bridges.ts";
import { ruleExamples } from "./ruleExamples.ts";

describe.each(ruleExamples)("$name", ({ accepted, refused, message }) => {
  test("accepts", () => {
    expect(qrngBridge.safeParse({ ...bridgeInput(), spec: accepted }).error?.issues ?? []).toEqual(
      [],
    );
  });

  test("alone refuses", () => {
    const { error } = qrngBridge.safeParse({ ...bridgeInput(), spec: refused });
    expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

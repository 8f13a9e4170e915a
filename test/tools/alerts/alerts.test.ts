import { expect, test } from "vitest";
import { allRules, type Rule } from "../../operator/build/alertRules.ts";
import { cases } from "./cases.ts";
import { testRules } from "./promtool.ts";

const rules = allRules();
const casesOf = (alert: string) => cases.filter((candidate) => candidate.alert === alert);

test("a bridge whose bytes flow raises no alert", async () => {
  const fires = Object.fromEntries(Array.from({ length: 23 }, (_, at) => [at * 10, false]));
  const { code, output } = await testRules(rules, [{ alert: "", what: "", series: {}, fires }]);
  expect(code, output).toBe(0);
});

test.each(rules.map(({ alert }) => alert))(
  "%s fires, clears, and no other alert fires with it",
  async (alert) => {
    expect(casesOf(alert).flatMap(({ fires }) => Object.values(fires))).toContain(true);
    const { code, output } = await testRules(rules, casesOf(alert));
    expect(code, output).toBe(0);
  },
);

/** A threshold that is off by about a half; one at 0 is off by far. */
function brokenNumbers(number: number): number[] {
  return number === 0 ? [-1e9, 1e9] : [number * 0.6, number * 1.5];
}

/** The rule with another threshold, or another `for`: each of these the cases must notice. */
function brokenOnes(rule: Rule): Rule[] {
  const numbers = [...rule.expr.matchAll(/(?<=(?:==|!=|<|>|>=) )-?\d+(?:\.\d+)?/g)];
  const thresholds = numbers.flatMap(({ 0: number, index }) => {
    const [before, after] = [rule.expr.slice(0, index), rule.expr.slice(index + number.length)];
    return brokenNumbers(Number(number)).map((other) => `${before}${other}${after}`);
  });
  const [, length = "", unit = ""] = /^(\d+)([smh])$/.exec(rule.for) ?? [];
  const longer = { ...rule, for: `${Number(length) * 2 + 15}${unit}` };
  return [...thresholds.map((expr) => ({ ...rule, expr })), longer];
}

test.each(rules.map((rule) => [rule.alert, rule] as const))(
  "%s: its cases notice every broken threshold",
  async (alert, rule) => {
    for (const broken of brokenOnes(rule)) {
      const { code, output } = await testRules([broken], casesOf(alert));
      expect(code, `${broken.expr} for ${broken.for}`).toBe(1);
      expect(output).toMatch(/exp:.*\n\s+got:/);
    }
  },
);

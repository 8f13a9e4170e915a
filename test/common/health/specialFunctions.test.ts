import { describe, expect, test } from "vitest";
import { erfc, igam, igamc, logGamma } from "../../../common/health/specialFunctions.ts";

function expectClose(value: number, wanted: number, relative = 1e-12): void {
  expect(Math.abs(value - wanted)).toBeLessThanOrEqual(relative * Math.abs(wanted));
}

test.each([
  [0.5, Math.log(Math.PI) / 2],
  [1, 0],
  [5, Math.log(24)],
  [10, Math.log(362_880)],
  [171, 706.5730622457874],
  [50_000, 490_984.4232715718],
])("ln Γ(%d)", (x, wanted) => {
  expect(Math.abs(logGamma(x) - wanted)).toBeLessThanOrEqual(1e-13 * Math.max(1, wanted));
});

// mpmath 1.3.0, 25 digits
test.each([
  [127.5, 60, 0.9999999999999751, 2.484413246047925e-14],
  [127.5, 120, 0.7415164479304232, 0.2584835520695769],
  [127.5, 127.5, 0.4882225217704063, 0.5117774782295936],
  [127.5, 146.62391754035005, 0.050000000000004416, 0.9499999999999956],
  [127.5, 200, 1.6600025244124518e-8, 0.9999999833999748],
  [0.5, 1e-8, 0.9998871620836666, 0.00011283791633342487],
  [0.5, 30, 9.485737571073848e-15, 0.9999999999999906],
  [0.5, 600, 6.0995688148084334e-263, 1],
  [1e-3, 1e-6, 0.013151866305923335, 0.9868481336940766],
  [5, 0.335, 0.9999733746778579, 0.000026625322142116663],
  [12, 0.8, 0.9999999999313312, 6.866885201438536e-11],
  [1_000, 1_100, 0.0010593232539299773, 0.99894067674607],
  [50_000, 50_500, 0.01286884037723367, 0.9871311596227663],
])("Q(%d, %d) and P", (a, x, upper, lower) => {
  expectClose(igamc(a, x), upper, 1e-10);
  expectClose(igam(a, x), lower, 1e-10);
});

test("the edges", () => {
  expect([igamc(3, 0), igam(3, 0), erfc(0)]).toEqual([1, 0, 1]);
  expect([igamc(0.5, 1e12), igam(0.5, 1e12), erfc(1e6), erfc(-1e6)]).toEqual([0, 1, 0, 2]);
});

// SP 800-22 rev. 1a: the examples of sections 2.2, 2.11 and 2.12
test.each([
  [3 / 2, 1 / 2, 0.801252],
  [2, 0.8, 0.808792],
  [1, 0.4, 0.67032],
  [4, 10.043859 / 2, 0.261961],
])("igamc(%d, %d) as SP 800-22 has it", (a, x, wanted) => {
  expect(igamc(a, x)).toBeCloseTo(wanted, 6);
});

// NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.4
test.each([
  [1, 3.841, 0.05],
  [1, 6.635, 0.01],
  [1, 10.828, 0.001],
  [10, 18.307, 0.05],
  [10, 23.209, 0.01],
  [10, 29.588, 0.001],
  [100, 118.498, 0.1],
  [100, 124.342, 0.05],
  [100, 135.807, 0.01],
  [100, 149.449, 0.001],
])("χ² with %d degrees: %d leaves %d", (degrees, statistic, wanted) => {
  expect(igamc(degrees / 2, statistic / 2) / wanted).toBeCloseTo(1, 2);
});

describe("erfc", () => {
  // mpmath 1.3.0
  test.each([
    [1e-6, 0.9999988716208329],
    [0.1, 0.887537083981715],
    [0.5, 0.4795001221869535],
    [1, 0.15729920705028513],
    [2, 0.004677734981047266],
    [3, 0.00002209049699858544],
    [5, 1.537459794428035e-12],
    [10, 2.088487583762545e-45],
    [26, 5.663192408856143e-296],
  ])("%d", (x, wanted) => {
    expectClose(erfc(x), wanted, 1e-12);
    expectClose(erfc(-x), 2 - wanted, 1e-12);
  });
});

/**
 * The functions that p-values are made of. "DLMF" is NIST's Digital Library of Mathematical
 * Functions, dlmf.nist.gov; igam and igamc are what SP 800-22 calls P(a, x) and Q(a, x).
 */

const epsilon = Number.EPSILON;

/** B₂ₖ / (2k(2k − 1)) for k = 1 … 7: the coefficients of Stirling's series. */
const stirling = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156];
/** From here on seven terms of the series are exact to a double. */
const stirlingFrom = 10;

/** ln Γ(x) for x > 0: Stirling's series, DLMF 5.11.1, reached by Γ(x + 1) = x Γ(x), DLMF 5.5.1. */
export function logGamma(x: number): number {
  let shifted = x;
  let product = 1;
  for (; shifted < stirlingFrom; shifted++) product *= shifted;
  let series = 0;
  let power = shifted;
  for (const coefficient of stirling) {
    series += coefficient / power;
    power *= shifted * shifted;
  }
  const halfLogTwoPi = Math.log(2 * Math.PI) / 2;
  return (shifted - 0.5) * Math.log(shifted) - shifted + halfLogTwoPi + series - Math.log(product);
}

/** The regularised lower incomplete gamma function P(a, x), a > 0, x ≥ 0: DLMF 8.2.4. */
export function igam(a: number, x: number): number {
  return x < a + 1 ? lowerBySeries(a, x) : 1 - upperByFraction(a, x);
}

/**
 * The regularised upper incomplete gamma function Q(a, x), a > 0, x ≥ 0: DLMF 8.2.4. The series is
 * used where P is the smaller part, the fraction where Q is, so that small tails keep their digits
 * (the division of Numerical Recipes, 3rd edition, section 6.2).
 */
export function igamc(a: number, x: number): number {
  return x < a + 1 ? 1 - lowerBySeries(a, x) : upperByFraction(a, x);
}

/** The complementary error function: erfc x = Q(½, x²) for x ≥ 0, DLMF 7.11.2. */
export function erfc(x: number): number {
  return x < 0 ? 2 - igamc(0.5, x * x) : igamc(0.5, x * x);
}

/** xᵃ e⁻ˣ / Γ(a) */
function scale(a: number, x: number): number {
  return Math.exp(a * Math.log(x) - x - logGamma(a));
}

/** P(a, x) = xᵃ e⁻ˣ / Γ(a) · Σ xᵏ / (a (a + 1) … (a + k)): DLMF 8.11.4. */
function lowerBySeries(a: number, x: number): number {
  if (x <= 0) return 0;
  let term = 1 / a;
  let sum = term;
  for (let k = 1; term > sum * epsilon; k++) {
    term *= x / (a + k);
    sum += term;
  }
  return Math.min(1, sum * scale(a, x));
}

/**
 * Q(a, x) by the even part of the continued fraction DLMF 8.9.2,
 * 1 / (x + 1 − a − 1 (1 − a) / (x + 3 − a − 2 (2 − a) / (x + 5 − a − …))),
 * summed by Lentz's method (Numerical Recipes, 3rd edition, sections 5.2 and 6.2).
 */
function upperByFraction(a: number, x: number): number {
  const tiny = Number.MIN_VALUE / epsilon;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let k = 1, factor = 0; Math.abs(factor - 1) > epsilon; k++) {
    const numerator = k * (a - k);
    b += 2;
    d = 1 / nonZero(numerator * d + b, tiny);
    c = nonZero(b + numerator / c, tiny);
    factor = c * d;
    fraction *= factor;
  }
  return fraction * scale(a, x);
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

// Student's t, as the fake's statistics need it: its tails by the incomplete beta function, its quantile by halving.

const LANCZOS = [
  76.18009172947146, -86.505320329416, 24.01409824083, -1.231739572450155, 0.001208650973866,
  -0.0000053952393849,
];

/** ln Γ(x) by the series of Lanczos (1964). */
function lnGamma(x: number): number {
  const sum = LANCZOS.reduce((all, term, index) => all + term / (x + 1 + index), 1.00000000019);
  return (x + 0.5) * Math.log(x + 5.5) - x - 5.5 + Math.log((Math.sqrt(2 * Math.PI) * sum) / x);
}

function awayFrom0(value: number): number {
  return Math.abs(value) < 1e-30 ? 1e-30 : value;
}

/** The continued fraction of the incomplete beta function, by Lentz (1976). */
function fraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / awayFrom0(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 200; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    for (const step of [even, odd]) {
      d = 1 / awayFrom0(1 + step * d);
      c = awayFrom0(1 + step / c);
      result *= d * c;
    }
    if (Math.abs(d * c - 1) < 1e-12) break;
  }
  return result;
}

function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const front = Math.exp(lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log(1 - x));
  const near = x < (a + 1) / (a + b + 2);
  return near ? (front * fraction(a, b, x)) / a : 1 - (front * fraction(b, a, 1 - x)) / b;
}

/** The probability of a t at least as far from 0. */
export function twoSidedP(t: number, freedom: number): number {
  return incompleteBeta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

/** The 0.975 quantile. */
export function student975(freedom: number): number {
  let [low, high] = [1.9, 13];
  for (let step = 0; step < 50; step += 1) {
    const middle = (low + high) / 2;
    if (twoSidedP(middle, freedom) > 0.05) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Runs as long as this and longer are counted together, as FIPS 140-2 does. */
export const longRun = 6;

/** How often something came, by bit value. */
export interface ByValue<Count> {
  readonly zeros: Count;
  readonly ones: Count;
}

/** What all figures of a bit sequence are made of. */
export interface BitFigures {
  readonly bits: number;
  readonly ones: number;
  /** How often each four-bit number came, at multiples of four bits. */
  readonly nibbles: readonly number[];
  /** Runs of length 1 … 5, and of 6 or more. */
  readonly runs: ByValue<readonly number[]>;
  readonly longestRun: ByValue<number>;
}

/** A run as one number: its length twice, and its value. Below 16: it is shorter than a byte. */
type Run = number;
const shortRuns = 16;

/** Places of run counts: by value, then by length 0 (no run at all) … 6 (and more). */
const slotsPerValue = longRun + 1;

const noNibbles: readonly number[] = Array.from({ length: 16 }, () => 0);

/** What is counted: bytes, then seams of a short run and the head of the byte that follows it. */
const byteValues = 256;
const patterns = byteValues + shortRuns * shortRuns;

/** Of every byte, the highest bit first: its ones, its first run, its last run; a head of 0 where
 * both are the same. */
const { onesOf, heads, tails } = tabulateBytes();
/** The runs that end in each pattern. */
const endedRuns = listEndedRuns();
/** By slot, the patterns in which such a run ends; one in which two do is there twice. */
const patternsBySlot = Array.from({ length: 2 * slotsPerValue }, (_, slot) =>
  Uint16Array.from(
    endedRuns.flatMap((runs, pattern) =>
      runs.filter((run) => slotOf(run) === slot).map(() => pattern),
    ),
  ),
);
/** By value: the patterns, and the longest run of the value that ends in each; the longest first. */
const longestFirst = [longestRuns(0), longestRuns(1)] as const;

/**
 * Counts the bits of a sequence that comes in pieces, up to 2³² bytes. Per byte it counts the byte,
 * and its seam with the run before it, no more: the rest follows from how often each of these came.
 */
export class BitCounts {
  readonly #patterns = new Uint32Array(patterns);
  /** How often each byte came. */
  readonly bytes: Readonly<ArrayLike<number>> = this.#patterns.subarray(0, byteValues);
  /** Runs that no pattern tells: most had a whole byte of zeros or ones in them. */
  readonly #longRuns = new Uint32Array(2 * slotsPerValue);
  readonly #longest = new Uint32Array(2);
  /** The run that is under way; none at first. */
  #run: Run = 0;

  add(data: Uint8Array): void {
    const counts = this.#patterns;
    const even = data.length & ~1;
    let run = this.#run;
    // Two bytes a turn are half as fast again as one.
    for (let at = 0; at < even; at += 2) {
      const first = data[at]!;
      const second = data[at + 1]!;
      const firstHead = heads[first]!;
      const secondHead = heads[second]!;
      counts[first]! += 1;
      counts[second]! += 1;
      if (run < shortRuns && firstHead !== 0 && secondHead !== 0) {
        counts[seam(run, firstHead)]! += 1;
        counts[seam(tails[first]!, secondHead)]! += 1;
        run = tails[second]!;
      } else run = this.#goOn(this.#goOn(run, first), second);
    }
    if (even < data.length) {
      counts[data[even]!]! += 1;
      run = this.#goOn(run, data[even]!);
    }
    this.#run = run;
  }

  /** The figures up to now; the run under way counts as ended. */
  figures(): BitFigures {
    const highNibbles: number[] = [];
    const lowNibbles = [...noNibbles];
    let bits = 0;
    let ones = 0;
    for (let high = 0; high < 16; high++) {
      let inRow = 0;
      for (let low = 0; low < 16; low++) {
        const byte = (high << 4) | low;
        const times = this.#patterns[byte]!;
        inRow += times;
        lowNibbles[low]! += times;
        ones += onesOf[byte]! * times;
      }
      highNibbles.push(inRow);
      bits += 8 * inRow;
    }
    return {
      bits,
      ones,
      nibbles: highNibbles.map((times, nibble) => times + lowNibbles[nibble]!),
      runs: { zeros: this.#runsOf(0), ones: this.#runsOf(1) },
      longestRun: { zeros: this.#longestRunOf(0), ones: this.#longestRunOf(1) },
    };
  }

  /** As new. */
  clear(): void {
    this.#patterns.fill(0);
    this.#longRuns.fill(0);
    this.#longest.fill(0);
    this.#run = 0;
  }

  #runsOf(value: 0 | 1): number[] {
    const counts: number[] = [];
    const underWay = slotOf(this.#run);
    for (let length = 1; length <= longRun; length++) {
      const slot = value * slotsPerValue + length;
      const patterns = patternsBySlot[slot]!;
      let times = this.#longRuns[slot]! + Number(slot === underWay);
      for (let at = 0; at < patterns.length; at++) times += this.#patterns[patterns[at]!]!;
      counts.push(times);
    }
    return counts;
  }

  #longestRunOf(value: 0 | 1): number {
    const inPatterns = longestFirst[value].find(({ pattern }) => this.#patterns[pattern]! > 0);
    const underWay = (this.#run & 1) === value ? this.#run >> 1 : 0;
    return Math.max(this.#longest[value]!, underWay, inPatterns?.length ?? 0);
  }

  /** Any byte after any run, without the seams: what is rare. Returns the run then under way. */
  #goOn(run: Run, byte: number): Run {
    const isOneRun = heads[byte] === 0;
    const head = isOneRun ? tails[byte]! : heads[byte]!;
    const joins = (run & 1) === (head & 1);
    if (!joins) endRun(this.#longRuns, this.#longest, run);
    const joined = joins ? run + (head & ~1) : head;
    if (isOneRun) return joined;
    endRun(this.#longRuns, this.#longest, joined);
    return tails[byte]!;
  }
}

function seam(run: Run, head: Run): number {
  return byteValues + run * shortRuns + head;
}

function slotOf(run: Run): number {
  return (run & 1) * slotsPerValue + Math.min(run >> 1, longRun);
}

function endRun(runs: Uint32Array, longest: Uint32Array, run: Run): void {
  runs[slotOf(run)]! += 1;
  longest[run & 1] = Math.max(longest[run & 1]!, run >> 1);
}

function runsOf(byte: number): Run[] {
  const runs = byte.toString(2).padStart(8, "0").match(/0+|1+/g)!;
  return runs.map((run) => run.length * 2 + Number(run[0]));
}

function tabulateBytes() {
  const runs = Array.from({ length: byteValues }, (_, byte) => runsOf(byte));
  return {
    onesOf: Uint8Array.from(runs, (all) =>
      all.reduce((sum, run) => sum + (run & 1) * (run >> 1), 0),
    ),
    heads: Uint8Array.from(runs, (all) => (all.length === 1 ? 0 : all[0]!)),
    tails: Uint8Array.from(runs, (all) => all.at(-1)!),
  };
}

function listEndedRuns(): Run[][] {
  const ended: Run[][] = Array.from({ length: patterns }, () => []);
  for (let byte = 0; byte < byteValues; byte++) ended[byte] = runsOf(byte).slice(1, -1);
  for (let run = 0; run < shortRuns; run++) {
    for (let head = 0; head < shortRuns; head++) {
      const joins = (run & 1) === (head & 1);
      ended[seam(run, head)] = joins ? [run + (head & ~1)] : [run, head];
    }
  }
  return ended;
}

function longestRuns(value: 0 | 1): { readonly pattern: number; readonly length: number }[] {
  return endedRuns
    .map((runs, pattern) => {
      const lengths = runs.filter((run) => (run & 1) === value).map((run) => run >> 1);
      return { pattern, length: Math.max(0, ...lengths) };
    })
    .sort((a, b) => b.length - a.length);
}

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

/** What is counted: bytes, then seams of a short run and the head of the byte that follows it. */
const byteValues = 256;
const patterns = byteValues + shortRuns * shortRuns;

/** Of every byte, the highest bit first: its ones, its first run, its last run; a head of 0 where
 * both are the same. */
const { onesOf, heads, tails } = tabulateBytes();
/** Of every pattern, the runs that end in it: their slots, and the longest by value. */
const { slots, firstSlot, longestOf } = tabulatePatterns();

/**
 * Counts the bits of a sequence that comes in pieces, up to 2³² bytes. Per byte it counts the byte,
 * and its seam with the run before it, no more: the rest follows from how often each of these came.
 */
export class BitCounts {
  readonly #patterns = new Uint32Array(patterns);
  /** How often each byte came. */
  readonly bytes: Readonly<ArrayLike<number>> = this.#patterns.subarray(0, byteValues);
  /** Runs that a whole byte of zeros or ones was part of. */
  readonly #longRuns = new Uint32Array(2 * slotsPerValue);
  readonly #longest = new Uint32Array(2);
  /** The run that is under way; none at first. */
  #run: Run = 0;

  add(data: Uint8Array): void {
    const counts = this.#patterns;
    let run = this.#run;
    for (let index = 0; index < data.length; index++) {
      const byte = data[index]!;
      const head = heads[byte]!;
      counts[byte]! += 1;
      if (run < shortRuns && head !== 0) {
        counts[seam(run, head)]! += 1;
        run = tails[byte]!;
      } else run = this.#goOn(run, byte);
    }
    this.#run = run;
  }

  /** The figures up to now; the run under way counts as ended. */
  figures(): BitFigures {
    const runs = this.#longRuns.slice();
    const longest = this.#longest.slice();
    endRun(runs, longest, this.#run);
    for (let pattern = 0; pattern < patterns; pattern++) {
      const times = this.#patterns[pattern]!;
      if (times === 0) continue;
      const end = firstSlot[pattern + 1]!;
      for (let at = firstSlot[pattern]!; at < end; at++) runs[slots[at]!]! += times;
      longest[0] = Math.max(longest[0]!, longestOf[2 * pattern]!);
      longest[1] = Math.max(longest[1]!, longestOf[2 * pattern + 1]!);
    }
    const nibbles = Array.from({ length: 16 }, () => 0);
    let bits = 0;
    let ones = 0;
    for (let byte = 0; byte < byteValues; byte++) {
      const times = this.#patterns[byte]!;
      bits += 8 * times;
      ones += onesOf[byte]! * times;
      nibbles[byte >> 4]! += times;
      nibbles[byte & 15]! += times;
    }
    return {
      bits,
      ones,
      nibbles,
      runs: {
        zeros: [...runs.subarray(1, slotsPerValue)],
        ones: [...runs.subarray(slotsPerValue + 1)],
      },
      longestRun: { zeros: longest[0]!, ones: longest[1]! },
    };
  }

  /** As new. */
  clear(): void {
    this.#patterns.fill(0);
    this.#longRuns.fill(0);
    this.#longest.fill(0);
    this.#run = 0;
  }

  /** The rare case: a long run, or a byte that is one run itself. Returns the run then under way. */
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

function tabulatePatterns() {
  const ended: Run[][] = Array.from({ length: patterns }, () => []);
  for (let byte = 0; byte < byteValues; byte++) ended[byte] = runsOf(byte).slice(1, -1);
  for (let run = 0; run < shortRuns; run++) {
    for (let head = 0; head < shortRuns; head++) {
      const joins = (run & 1) === (head & 1);
      ended[seam(run, head)] = joins ? [run + (head & ~1)] : [run, head];
    }
  }
  const tables = {
    slots: Uint8Array.from(ended.flat(), slotOf),
    /** Where a pattern's slots begin; they end where the next one's begin. */
    firstSlot: new Uint16Array(patterns + 1),
    longestOf: new Uint8Array(2 * patterns),
  };
  ended.forEach((runs, pattern) => {
    tables.firstSlot[pattern + 1] = tables.firstSlot[pattern]! + runs.length;
    for (const run of runs) {
      const at = 2 * pattern + (run & 1);
      tables.longestOf[at] = Math.max(tables.longestOf[at]!, run >> 1);
    }
  });
  return tables;
}

/** The name nearest to a mistyped one, or undefined when none is near enough to be meant. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const wanted = normalise(typed);
  const ranked = names
    .map((name) => ({ name, distance: editDistance(wanted, normalise(name)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, wanted.length / 3)
    ? best.name
    : undefined;
}

/** `bufferSize`, `buffer-size` and `buffer_size` are one name to a person. */
function normalise(name: string): string {
  return name
    .slice(0, 64)
    .replace(/[^A-Za-z0-9]/g, "")
    .toLowerCase();
}

/** Levenshtein's distance, a row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substitution));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Samples a minute apart, as promtool's `values`; `undefined` is a scrape without the series. */
type Phase<Value> = readonly [value: Value, minutes: number];

/** A gauge that holds each value for so many minutes. */
export function gauge(...phases: readonly Phase<number | undefined>[]): string {
  return phases
    .flatMap(([value, minutes]) => Array.from({ length: minutes }, () => value ?? "_"))
    .join(" ");
}

/** A counter that rises by so much a minute, for so many minutes each. */
export function counter(...phases: readonly Phase<number>[]): string {
  let total = 0;
  return phases
    .flatMap(([rise, minutes]) => Array.from({ length: minutes }, () => (total += rise)))
    .join(" ");
}

/** A counter that rises by 1 at these minutes. */
export function countAt(minutes: readonly number[], length: number): string {
  return Array.from({ length }, (_, at) => minutes.filter((minute) => minute <= at).length).join(
    " ",
  );
}

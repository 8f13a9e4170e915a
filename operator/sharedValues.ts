/**
 * One value for each key, of what would else be held many times over. It is bounded by beginning
 * anew when it is full: what is in use stays where it is, and is shared no more.
 */
export class SharedValues<T> {
  readonly #limit: number;
  readonly #values = new Map<string, T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param make the value of the key; always an equal one */
  of(key: string, make: () => T): T {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    if (this.#values.size >= this.#limit) this.#values.clear();
    const made = make();
    this.#values.set(key, made);
    return made;
  }
}

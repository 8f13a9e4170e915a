/** Where tested and mixed bytes go; what it holds is bounded. */
export interface Sink {
  /** Resolves when `bytes` fit, or when `signal` aborts. One at a time may wait. */
  untilRoom(bytes: number, signal: AbortSignal): Promise<void>;
  /**
   * Takes ownership of the bytes, for which there is room.
   * @param fetchedAt monotonic milliseconds when their oldest fetch began: they are no older
   * @param sources bit mask of the sources that they came from
   */
  add(data: Buffer, fetchedAt: number, sources: number): void;
  /**
   * Zeroes and drops what is still held of any of these sources.
   * @returns how many bytes that was
   */
  revoke(sources: number): number;
}

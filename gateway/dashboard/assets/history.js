/** @import { Status } from "../../status.ts" */

/**
 * @typedef {object} Reading
 * @property {number} at seconds
 * @property {number | null} fill percent
 * @property {number | null} requests a second
 * @property {number | null} bytesOut a second
 * @property {number | null} bytesIn a second
 */

/** Seconds that are kept. */
export const span = 600;

/** Without a reading for so long the line breaks: the machine slept, or the tab was frozen. */
const gapSeconds = 75;

/** The readings of the last ten minutes. */
export class History {
  /** @type {Reading[]} */
  #readings = [];

  /**
   * @param {Status} status
   * @param {number} at seconds
   */
  add(status, at) {
    const last = this.#readings.at(-1);
    if (last !== undefined && at - last.at > gapSeconds) this.break(last.at + 1);
    this.#push({
      at,
      fill: status.buffer_fill_percent,
      requests: status.requests_per_second,
      bytesOut: status.bytes_out_per_second,
      bytesIn: status.bytes_in_per_second,
    });
  }

  /**
   * Nothing is known of this time.
   * @param {number} at seconds
   */
  break(at) {
    this.#push({ at, fill: null, requests: null, bytesOut: null, bytesIn: null });
  }

  /** @param {Reading} reading */
  #push(reading) {
    // Also those ahead of it, when the clock was put back: a chart's times must ascend.
    this.#readings = this.#readings.filter(
      ({ at }) => at < reading.at && at >= reading.at - span - gapSeconds,
    );
    this.#readings.push(reading);
  }

  /** @returns {readonly Reading[]} oldest first */
  readings() {
    return this.#readings;
  }
}

/**
 * @typedef {object} Minute
 * @property {number} minutesAgo
 * @property {number | null} fill
 * @property {number | null} requests
 * @property {number | null} bytesOut
 * @property {number | null} bytesIn
 */

/**
 * The means of each minute, newest first; minutes without readings are left out.
 * @param {readonly Reading[]} readings
 * @param {number} now seconds
 * @returns {Minute[]}
 */
export function minuteMeans(readings, now) {
  const minutes = Array.from({ length: span / 60 }, (_, index) => index);
  return minutes.flatMap((index) => {
    const inside = readings.filter(({ at }) => Math.floor((now - at) / 60) === index);
    /** @param {"fill" | "requests" | "bytesOut" | "bytesIn"} field */
    const mean = (field) => {
      const values = inside.map((reading) => reading[field]).filter((value) => value !== null);
      if (values.length === 0) return null;
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const fill = mean("fill");
    if (fill === null) return [];
    const rates = {
      requests: mean("requests"),
      bytesOut: mean("bytesOut"),
      bytesIn: mean("bytesIn"),
    };
    return [{ minutesAgo: index + 1, fill, ...rates }];
  });
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

/** @param {number} value */
export function count(value) {
  return whole.format(value);
}

/** @param {number} value */
export function decimal(value) {
  return tenths.format(value);
}

/**
 * As little text as an axis has room for: 0.25, 1.5K.
 * @param {number} value
 */
export function short(value) {
  return compact.format(value);
}

/** @param {number} value */
export function percent(value) {
  return `${decimal(value)} %`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** @param {number} bytes */
export function size(bytes) {
  const power = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10)));
  return `${decimal(bytes / 1024 ** power)} ${units[power]}`;
}

/** @param {number} bytes */
export function rate(bytes) {
  return `${size(bytes)}/s`;
}

/**
 * The two largest parts of a time.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 10) return `${decimal(seconds)} s`;
  const total = Math.round(seconds);
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)} min ${total % 60} s`;
  const minutes = Math.floor(total / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

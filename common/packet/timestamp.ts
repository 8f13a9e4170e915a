import { PacketError } from "./packet.ts";

const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}|\d{6}|\d{9}))?Z$/;
const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);
const nanosecondsPerSecond = 1_000_000_000n;
const secondsPerDay = 86_400;

/**
 * RFC 3339 in UTC with 0, 3, 6 or 9 decimals → nanoseconds since the Unix epoch.
 * Date and Number are kept out of it: both would round what the signature covers.
 * @throws PacketError for anything else: offsets, lower case, second 60, dates that do not exist,
 * times outside a signed 64-bit integer
 */
export function parseTimestamp(text: string): bigint {
  const match = pattern.exec(text);
  if (match === null)
    throw new PacketError("timestamp: not RFC 3339 in UTC with 0, 3, 6 or 9 decimals");
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as Six;
  const exists =
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysInMonth(year, month) &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59;
  if (!exists) throw new PacketError("timestamp: no such date or time");
  const seconds =
    daysSinceEpoch(year, month, day) * secondsPerDay + hour * 3600 + minute * 60 + second;
  const fraction = BigInt((match[7] ?? "").padEnd(9, "0"));
  const nanoseconds = BigInt(seconds) * nanosecondsPerSecond + fraction;
  if (nanoseconds > maxInt64 || nanoseconds < minInt64)
    throw new PacketError("timestamp: out of range");
  return nanoseconds;
}

/** Nanoseconds since the Unix epoch → RFC 3339 in UTC with 9 decimals, 30 characters. */
export function formatTimestamp(nanoseconds: bigint): string {
  const fraction =
    ((nanoseconds % nanosecondsPerSecond) + nanosecondsPerSecond) % nanosecondsPerSecond;
  const seconds = Number((nanoseconds - fraction) / nanosecondsPerSecond);
  const days = Math.floor(seconds / secondsPerDay);
  const time = seconds - days * secondsPerDay;
  const [year, month, day] = civilDate(days);
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
  const clock = `${pad(Math.floor(time / 3600))}:${pad(Math.floor(time / 60) % 60)}:${pad(time % 60)}`;
  return `${date}T${clock}.${fraction.toString().padStart(9, "0")}Z`;
}

type Six = [number, number, number, number, number, number];

function pad(value: number, width = 2): string {
  return value.toString().padStart(width, "0");
}

function daysInMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (monthDays[month - 1] ?? 0);
}

// Both directions count in eras of 400 years that begin on 1 March, so that the leap day comes last
// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const daysPerEra = 146_097;
const epochOffset = 719_468;

function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * daysPerEra + dayOfEra - epochOffset;
}

function civilDate(days: number): [year: number, month: number, day: number] {
  const z = days + epochOffset;
  const era = Math.floor(z / daysPerEra);
  const dayOfEra = z - era * daysPerEra;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = ((monthFromMarch + 2) % 12) + 1;
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

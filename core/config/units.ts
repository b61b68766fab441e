/**
 * Sizes and durations as people write them in the configuration and on the command line.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";

const sizeUnits = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;

const durationUnits = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 } as const;

/** The longest duration, in days: a timer of the runtime counts milliseconds in 31 bits. */
const MAX_DAYS = 24;

/** The form of a size, as JSON Schema takes it too: `512KiB`, `16MiB`, `80MB`, `1.5GiB` or plain bytes. */
export const sizePattern = /^\d{1,16}(\.\d{1,6})?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$|^\d{1,16}$/;

/** The form of a duration, as JSON Schema takes it too: `250ms`, `30s`, `15m`, `6h`, `7d`. */
export const durationPattern = /^\d{1,9}(ms|s|m|h|d)$/;

/**
 * The bytes of a size.
 * @throws {VaultraError} `usage.size`
 */
export function parseSize(text: string): number {
  const bytes = sizePattern.test(text) ? product(text, sizeUnits, 1) : NaN;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new VaultraError("usage.size", `"${shorten(text)}" is not a size`, {
    hint: "Write a whole number of bytes with a unit: 512KiB, 16MiB, 80MB.",
  });
}

/**
 * The milliseconds of a duration of up to 24 days.
 * @throws {VaultraError} `usage.duration`
 */
export function parseDuration(text: string): number {
  const milliseconds = durationPattern.test(text) ? product(text, durationUnits, NaN) : NaN;
  if (milliseconds <= MAX_DAYS * durationUnits.d) return milliseconds;
  throw new VaultraError("usage.duration", `"${shorten(text)}" is not a duration of up to ${MAX_DAYS} days`, {
    hint: "Write a whole number and a unit: 30s, 15m, 6h, 7d.",
  });
}

/** A size as {@linkcode parseSize} reads it back, exactly. */
export function printSize(bytes: number): string {
  return print(bytes, sizeUnits, "B");
}

/** A duration as {@linkcode parseDuration} reads it back, exactly. */
export function printDuration(milliseconds: number): string {
  return print(milliseconds, durationUnits, "ms");
}

function product(text: string, units: Readonly<Record<string, number>>, unitless: number): number {
  const number = Number.parseFloat(text);
  const unit = text.replace(/^[\d.]+/, "");
  return number * (unit === "" ? unitless : units[unit]!);
}

/** The largest unit that divides the value, so that nothing is rounded. */
function print(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  let best = [smallest, 1] as [string, number];
  for (const [unit, factor] of Object.entries(units)) {
    if (value > 0 && value % factor === 0 && factor > best[1]) best = [unit, factor];
  }
  return `${value / best[1]}${best[0]}`;
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

import prettyBytes from "pretty-bytes";

/** Bytes for people: `304 MiB`. */
export function bytesText(bytes: number): string {
  return prettyBytes(bytes, { binary: true, maximumFractionDigits: bytes < 2 ** 30 ? 1 : 2 });
}

/** A duration for people: `340 ms`, `3.2 s`, `2m 10s`, `1h 2m`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}h ${minutes}m` : `${minutes}m ${whole % 60}s`;
}

/** A count with separators: `7,600,000`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** A count with its noun: `1 table`, `3 tables`. */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A time for people, in UTC: `2026-11-24 06:47:58Z`. */
export function timeText(time: string): string {
  return time.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

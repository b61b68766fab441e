import type { VaultraEvent } from "../../core/events.ts";
import { bytesText, durationText } from "./units.ts";

/** How often the line is redrawn, milliseconds. */
const REDRAW = 120;

/** One line on a terminal that follows an operation: part done, rate, time left. */
export class ProgressLine {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  readonly #now: () => number;
  #started: number;
  #drawn = -Infinity;
  #phase = "";
  #shown = false;

  /**
   * @param write Writes to the terminal (standard error).
   * @param columns The terminal's width now.
   * @param now Milliseconds of a clock that never goes back.
   */
  constructor(write: (text: string) => void, columns: () => number, now: () => number) {
    this.#write = write;
    this.#columns = columns;
    this.#now = now;
    this.#started = now();
  }

  /** Takes an event; draws at most every 120 ms. */
  handle(event: VaultraEvent): void {
    if (event.type === "phase") {
      this.#phase = event.phase;
      this.#started = this.#now();
      this.#draw(event.phase);
    } else if (event.type === "progress" && this.#now() - this.#drawn >= REDRAW) {
      this.#draw(progressText(this.#phase, event, this.#now() - this.#started));
    }
  }

  /** Removes the line, so that other text can stand there. */
  clear(): void {
    if (this.#shown) this.#write("\r\x1b[K");
    this.#shown = false;
  }

  #draw(text: string): void {
    this.#drawn = this.#now();
    this.#shown = true;
    this.#write(`\r\x1b[K${text.slice(0, Math.max(10, this.#columns() - 1))}`);
  }
}

/** The text of a progress line: `Backing up  41 %  412 MiB of 1 GiB  231 MiB/s  3.0 s left`. */
export function progressText(
  phase: string,
  event: Extract<VaultraEvent, { type: "progress" }>,
  elapsed: number,
): string {
  const rate = elapsed > 0 ? event.bytes / (elapsed / 1000) : 0;
  const parts = [phase];
  if (event.total !== undefined && event.total > 0) {
    const done = Math.min(event.bytes, event.total);
    parts.push(`${Math.floor((done / event.total) * 100)} %`);
    parts.push(`${bytesText(done)} of ${bytesText(event.total)}`);
  } else {
    parts.push(bytesText(event.bytes));
  }
  if (rate > 0) parts.push(`${bytesText(rate)}/s`);
  if (rate > 0 && event.total !== undefined && event.total > event.bytes && elapsed > 100) {
    parts.push(`${durationText(((event.total - event.bytes) / rate) * 1000)} left`);
  }
  return parts.join("  ");
}

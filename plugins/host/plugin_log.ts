import type { Logger } from "../../core/plugin.ts";
import { flood, malformed } from "./channel.ts";
import { oneLine, plainFields } from "./wire_error.ts";

/** Lines a second that are passed on; more are dropped and counted. */
const MAX_LINES = 1_000;
/** Lines a second at which the plugin is ended. */
const FLOOD_LINES = 50_000;
/** Characters of a line, and of its fields as JSON. */
const MAX_LINE = 4_000;

const levels = ["debug", "info", "warn"] as const;

/** Passes a plugin's log lines on: bounded in number and length, on one line each. */
export class PluginLog {
  readonly #log: Logger;
  #second = 0;
  #lines = 0;
  #dropped = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Takes what a guest sent as a line: `[level, message, fields]`.
   * @throws {VaultraError} `plugin.malformed`, `plugin.flood`
   */
  take(line: unknown): void {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.end();
      this.#second = second;
      this.#lines = 0;
    }
    if (++this.#lines > MAX_LINES) {
      this.#dropped++;
      if (this.#lines > FLOOD_LINES) throw flood("a flood of log lines");
      return;
    }
    if (!Array.isArray(line)) throw malformed("a malformed log line");
    const [level, message, fields] = line;
    const known = levels.find((name) => name === level);
    if (known === undefined || typeof message !== "string") throw malformed("a malformed log line");
    this.#log[known](oneLine(message, MAX_LINE), plainFields(fields, MAX_LINE));
  }

  /** A line of the host's own about the plugin. */
  warn(message: string): void {
    this.#log.warn(message);
  }

  /** Tells how many lines were dropped. */
  end(): void {
    if (this.#dropped > 0) {
      this.#log.warn(`${this.#dropped} log lines of the plugin were dropped: too many at once`);
    }
    this.#dropped = 0;
  }
}

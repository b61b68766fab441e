import type { Logger } from "../../core/plugin.ts";
import { oneLine, plainFields } from "./wire_error.ts";

/** Lines a second that are sent. The host has a limit of its own; this one keeps a chatty plugin from meeting it. */
const MAX_LINES = 2_000;
const MAX_LINE = 4_000;

type Level = "debug" | "info" | "warn";

/** A plugin's log: each line short, on one line, with fields that can be sent. */
export class GuestLog implements Logger {
  readonly #send: (level: Level, message: string, fields?: Record<string, unknown>) => void;
  #second = 0;
  #lines = 0;

  constructor(send: (level: Level, message: string, fields?: Record<string, unknown>) => void) {
    this.#send = send;
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#line("debug", message, fields);
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#line("info", message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#line("warn", message, fields);
  }

  #line(level: Level, message: string, fields: Readonly<Record<string, unknown>> | undefined): void {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (++this.#lines > MAX_LINES) return;
    this.#send(level, oneLine(String(message), MAX_LINE), plainFields(fields, MAX_LINE));
  }
}

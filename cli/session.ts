/**
 * One run of a command: its global options, where its results, logs and progress go, and the operation that
 * `core` is given.
 *
 * @module
 */
import type { CliContext } from "./context.ts";
import type { VaultraEvent } from "../core/events.ts";
import type { Operation } from "../core/operation.ts";
import { type VaultraError } from "../core/errors.ts";
import { configureLogs, logEvent, logLevels } from "./output/logs.ts";
import { ProgressLine } from "./output/progress.ts";
import { createStyle, type Style } from "./output/style.ts";
import { printable } from "./output/table.ts";

/** The options that every command takes. */
export interface GlobalOptions {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
  readonly logLevel?: (typeof logLevels)[number] | undefined;
  readonly logFormat?: "text" | "json" | undefined;
  /** `false` after `--no-color`. */
  readonly color?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** One run of a command. */
export class Session {
  readonly context: CliContext;
  readonly options: GlobalOptions;
  /** Colours for standard output. */
  readonly style: Style;
  readonly #progress: ProgressLine | null;
  #warnings = 0;
  #redact: (text: string) => string = (text) => text;

  constructor(context: CliContext, options: GlobalOptions) {
    this.context = context;
    this.options = options;
    this.style = createStyle(wantsColour(context, options, context.stdout.terminal));
    const visible = context.stderr.terminal && options.quiet !== true && options.json !== true;
    this.#progress = visible
      ? new ProgressLine(
        (text) => context.stderr.text(text),
        () => context.stderr.columns(),
        () => context.monotonic(),
      )
      : null;
  }

  /** Warnings that were told so far. */
  get warnings(): number {
    return this.#warnings;
  }

  /** Starts the log. */
  async start(): Promise<this> {
    await configureLogs({
      level: this.options.logLevel ?? (this.options.quiet === true ? "error" : "warn"),
      format: this.options.logFormat ?? "text",
      write: (line) => this.#aside(`${line}\n`),
      redact: (text) => this.#redact(text),
    });
    return this;
  }

  /** Masks these secrets in everything that is written from now on. */
  mask(redact: (text: string) => string): void {
    this.#redact = redact;
  }

  /** What `core` is given; its events go to the log, the progress line or, with `--json`, to standard output. */
  operation(): Operation {
    return {
      host: this.context.host,
      signal: this.context.signal,
      surroundings: this.context.surroundings,
      listener: (event) => this.#hear(event),
      redact: (text) => this.#redact(text),
    };
  }

  /** Writes a result for people, unless `--json` or `--quiet`. */
  say(text: string): void {
    if (this.options.json === true || this.options.quiet === true) return;
    this.#progress?.clear();
    this.context.stdout.text(`${this.#redact(text)}\n`);
  }

  /** Writes words for people beside a result that takes standard output. */
  note(text: string): void {
    if (this.options.json !== true && this.options.quiet !== true) this.#aside(`${text}\n`);
  }

  /** Writes a result for programs, if `--json`: one document a line. */
  json(document: unknown): void {
    if (this.options.json !== true) return;
    // Values are masked one by one: masked as a whole, a secret such as "1" would break the JSON around it.
    const masked = (_key: string, value: unknown) => typeof value === "string" ? this.#redact(value) : value;
    this.context.stdout.text(`${JSON.stringify(document, masked)}\n`);
  }

  /** Tells an error: a sentence and what to do on standard error; a document with `--json`. */
  fail(error: VaultraError): void {
    this.json({ type: "error", error: error.toData(), exitCode: error.exitCode });
    const style = createStyle(wantsColour(this.context, this.options, this.context.stderr.terminal));
    const hint = error.hint === undefined ? "" : `\n  ${style.dim(printableLines(error.hint))}`;
    this.#aside(`${style.red("error:")} ${printableLines(error.message)}${hint}\n`);
  }

  /** Tells a warning of the work, beside its results: a command that did all the same ends with 3. */
  warn(message: string, hint?: string): void {
    this.#warnings++;
    this.advise(message, hint);
  }

  /** Tells what a person should change in the configuration, though it works as it is. */
  advise(message: string, hint?: string): void {
    const style = createStyle(wantsColour(this.context, this.options, this.context.stderr.terminal));
    const more = hint === undefined ? "" : `\n  ${style.dim(printableLines(hint))}`;
    this.#aside(`${style.yellow("warning:")} ${printableLines(message)}${more}\n`);
  }

  /** Ends the run: leaves the terminal clean. */
  end(): void {
    this.#progress?.clear();
  }

  #hear(event: VaultraEvent): void {
    if (event.type === "log") return logEvent(event);
    if (event.type === "phase") {
      const { phase: message, job } = event;
      logEvent({
        type: "log",
        level: "info",
        source: "run",
        message: job === undefined ? message : `${job}: ${message}`,
      });
    }
    this.json(event);
    if (event.type === "warning") this.warn(event.message, event.hint);
    else this.#progress?.handle(event);
  }

  #aside(text: string): void {
    this.#progress?.clear();
    this.context.stderr.text(this.#redact(text));
  }
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n  ");
}

function wantsColour(context: CliContext, options: GlobalOptions, terminal: boolean): boolean {
  return terminal && options.color !== false && !context.env["NO_COLOR"];
}

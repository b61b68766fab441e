import type { RunDocument } from "./catalog/runs.ts";
import type { SeenBackups } from "./catalog/seen.ts";
import type { Listener, Surroundings, VaultraEvent } from "./events.ts";
import type { Logger, PluginHost } from "./plugin.ts";
import { VaultraError } from "./errors.ts";

/** What every operation of `core` is given: how to open plugins, when to stop, who listens, time and chance. */
export interface Operation {
  readonly host: PluginHost;
  /** Its reason, when aborted, is a {@linkcode VaultraError}. */
  readonly signal: AbortSignal;
  readonly listener: Listener;
  readonly surroundings: Surroundings;
  /** Workers that compress and decompress; default: one a processor core. */
  readonly workers?: number;
  /** Masks secrets in what is written into a run's document; default: nothing is secret. */
  readonly redact?: (text: string) => string;
  /** Opens encrypted archives; default: none can be opened. */
  readonly keys?: Keyring;
  /** Public keys, `ed25519:<base64>`, one of which must have signed a backup that is read; absent: signatures are not asked for. */
  readonly trusted?: readonly string[];
  /** Remembers the newest backup of each store and job, which tells a store that was set back; absent: nothing does. */
  readonly seen?: SeenBackups;
  /** Keeps a run's document when the store that should hold it is out of reach. */
  readonly keepRun?: (run: RunDocument) => Promise<void>;
}

/** What opens encrypted archives. Secret. */
export interface Keyring {
  /** age identities, `AGE-SECRET-KEY-1…`. */
  readonly identities: readonly string[];
  readonly passphrases: readonly string[];
  /** Asks a person for the passphrase, when an archive needs one and none of those fits; absent: nobody is there. */
  readonly ask?: () => Promise<string>;
  /** Why keys that the configuration names are not here, a sentence each; told when nothing opens an archive. */
  readonly unreadable?: readonly string[];
}

/** The keyring of who has none. */
export const NO_KEYS: Keyring = { identities: [], passphrases: [] };

/** A logger whose lines become events of the operation. */
export function eventLogger(listener: Listener, source: string): Logger {
  const log =
    (level: "debug" | "info" | "warn") => (message: string, fields?: Readonly<Record<string, unknown>>) =>
      listener({ type: "log", level, source, message, ...(fields === undefined ? {} : { fields }) });
  return { debug: log("debug"), info: log("info"), warn: log("warn") };
}

/** A signal that is aborted with any of these, or after `milliseconds` with `failed.timeout`. */
export function withTimeout(signals: readonly AbortSignal[], milliseconds: number | undefined): {
  readonly signal: AbortSignal;
  /** Stops the clock. */
  [Symbol.dispose](): void;
} {
  if (milliseconds === undefined) {
    return { signal: AbortSignal.any([...signals]), [Symbol.dispose]() {} };
  }
  const controller = new AbortController();
  const timer = setTimeout(() =>
    controller.abort(
      new VaultraError("failed.timeout", `The time limit of ${milliseconds / 1000} s is over`, {
        hint: "Raise limits.timeout (or --timeout), or back up less at once.",
      }),
    ), milliseconds);
  return {
    signal: AbortSignal.any([...signals, controller.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** How many lines of its log a run's document keeps. */
const TAIL_LINES = 50;

/** Keeps the last lines of an operation's log for its run document, and passes every event on. */
export class LogTail {
  readonly #lines: string[] = [];
  readonly listener: Listener;

  constructor(next: Listener) {
    this.listener = (event: VaultraEvent) => {
      if (event.type === "log" || event.type === "warning") {
        this.#lines.push(
          event.type === "log"
            ? `${event.level} ${event.source}: ${event.message}`
            : `warning ${event.message}`,
        );
        if (this.#lines.length > TAIL_LINES) this.#lines.shift();
      }
      next(event);
    };
  }

  /** The lines, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }
}

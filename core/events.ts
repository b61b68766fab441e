/**
 * What `core` tells while it works. It never prints: whoever calls an operation listens.
 *
 * @module
 */

import type { KindCount } from "./countable.ts";

/** A named finding of `doctor`. */
export interface Check {
  /** Dotted and stable, such as `sqlite.journal-mode`. */
  readonly name: string;
  readonly status: "ok" | "warning" | "failed";
  /** One sentence of what was found. */
  readonly found: string;
  /** One sentence of what to do; absent when all is well. */
  readonly fix?: string;
}

/** One event of an operation. */
export type VaultraEvent =
  | { readonly type: "phase"; readonly phase: string; readonly job?: string }
  | {
    readonly type: "progress";
    /** Raw bytes done so far, and in all when known. */
    readonly bytes: number;
    readonly total?: number;
    /** Bytes in the store (backup: written; restore: read). */
    readonly stored: number;
    readonly rows?: number;
  }
  | {
    readonly type: "log";
    readonly level: "debug" | "info" | "warn";
    /** Dotted module name. */
    readonly source: string;
    readonly message: string;
    readonly fields?: Readonly<Record<string, unknown>>;
  }
  /** What a backup holds, by kinds, once all was read. */
  | { readonly type: "objects"; readonly kinds: readonly KindCount[] }
  | { readonly type: "warning"; readonly code: string; readonly message: string; readonly hint?: string };

/** Listens to an operation's events. Must return at once and never throw. */
export type Listener = (event: VaultraEvent) => void;

/** What an operation takes from outside, so that tests decide it: time and chance. */
export interface Surroundings {
  /** Now. */
  now(): Date;
  /** `length` random bytes as lower-case hex. */
  randomHex(length: number): string;
}

/** Real time and real chance. */
export const surroundings: Surroundings = {
  now: () => new Date(),
  randomHex: (length) => crypto.getRandomValues(new Uint8Array(length)).toHex(),
};

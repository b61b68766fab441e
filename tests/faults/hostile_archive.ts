import type { Compression } from "../../core/archive/format.ts";
import type { ForgedEntry, Json, Lies } from "../fakes/forged_archive.ts";
import type { Way } from "../fakes/read_archive.ts";

/** One way to lie or to be damaged. */
export interface Hostile {
  readonly name: string;
  readonly lies: Lies | ((compression: Compression) => Lies);
  /** Only archives of these compressions. */
  readonly only?: readonly Compression[];
  /** Ways that never see the lie, and must read the archive rightly. */
  readonly unseen?: readonly Way[];
  readonly code?: string;
  readonly message?: RegExp;
}

/** A pipe is read by its tar; where entries lie, or what a trailer says, does not matter to it. */
export const NOT_BY_PIPE = { unseen: ["pipe"] } as const;

/** Without a record the trailer leads to the manifest; else nobody needs it. */
export const ONLY_BY_ADDRESS = { unseen: ["record", "verify", "pipe"] } as const;

/** The sound entries with one of them changed. */
export const entry = (at: number, change: Partial<ForgedEntry>): Lies => ({
  entries: (entries) => entries.map((entry, i) => i === at ? { ...entry, ...change } : entry),
});
/** The sound entries and others among them. */
export const insert = (at: number, ...added: ForgedEntry[]): Lies => ({
  entries: (entries) => entries.toSpliced(at, 0, ...added),
});
/** The sound archive with one line of the index changed. */
export const line = (at: number, change: Json): Lies => ({
  lines: (lines) => lines.with(at, { ...lines[at], ...change }),
});
/** The sound archive with a changed manifest. */
export const manifest = (change: (manifest: Json) => void): Lies => ({
  manifest: (value) => void change(value),
});

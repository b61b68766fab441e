/**
 * Reading the rows of one object out of a backup, by range.
 *
 * @module
 */
import type { Configured } from "./config/job.ts";
import type { RestoreOutput } from "./database.ts";
import type { Operation } from "./operation.ts";
import { restore, type RestoreOrigin } from "./restore.ts";
import type { ByteStream } from "./streams/bytes.ts";

/** A form in which rows can be read. What each looks like is told in the adapter's README. */
export type RowForm = Extract<RestoreOutput, "csv" | "json" | "raw">;

/** What is read, and how. */
export interface CatOptions {
  readonly origin: RestoreOrigin;
  /** The object's true name. */
  readonly object: string;
  readonly form: RowForm;
  /** Finds a database in whose place the adapter may work; nothing is left of it. */
  readonly target: (engine: string) => Promise<Configured>;
  /** Takes the rows. */
  readonly write: (rows: ByteStream) => Promise<void>;
}

/**
 * Reads the rows of one object of a backup. Only the parts that hold it are read, each checked before its rows are.
 * @throws {VaultraError} `usage.no-such-object` with the name that was likely meant, `usage.not-a-table`, `usage.unsupported` for
 * a form that the engine's adapter can't make; `no-backup.archive`, `damaged.*`, `key.*`, `signature.*`; what `write` throws
 */
export async function cat(
  { origin, object, form, target, write }: CatOptions,
  operation: Operation,
): Promise<void> {
  await restore({ origin, target, output: form, script: write, names: [object] }, operation);
}

import type { DatabaseSync } from "node:sqlite";
import { TransientError } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import { type Engine, number, text } from "./connection.ts";
import { sqliteError } from "./failure.ts";
import { LockFile } from "./lock_file.ts";
import { stagingFiles } from "./paths.ts";
import { Snapshot } from "./snapshot.ts";
import { temporaryDatabase } from "./temporary_database.ts";

/** Bytes copied between two moments at which writers of a rollback mode get their turn. */
const STEP_BYTES = 32 << 20;

/** How often the copy may begin anew because somebody wrote in between. */
const MAX_RESTARTS = 20;

/** What a copy to the staging folder needs. */
export interface StagingRequest {
  readonly engine: Engine;
  readonly context: PluginContext;
  readonly path: string;
  /** The database file, closed with the snapshot: closing it earlier would drop SQLite's locks. */
  readonly file: Deno.FsFile;
  /** A connection to the database, outside of a transaction. */
  readonly source: DatabaseSync;
  readonly staging: string;
}

/**
 * Copies a database with SQLite's backup interface and gives a snapshot of the copy, which is removed with it.
 *
 * @throws {VaultraError} `database.staging-restarts` when others write too often; `database.disk-full`
 */
export async function stagedSnapshot(request: StagingRequest): Promise<Snapshot> {
  const { engine, context, path, source } = request;
  const { copy, lock } = stagingFiles(request.staging, path);
  const stack = new DisposableStack();
  try {
    const held = LockFile.take(lock, "database.locked", `The staging copy of "${path}"`);
    stack.use(context.temporary(lock));
    stack.use(held);
    stack.use(temporaryDatabase(context, copy));
    source.exec("pragma busy_timeout = 5000");
    const journalMode = text(source, "pragma journal_mode");
    const rate = journalMode === "wal" ? -1 : STEP_BYTES / number(source, "pragma page_size");
    const bytes = request.file.statSync().size;
    await context.blocking(
      60_000 + bytes / 1000,
      () => engine.backup(source, copy, { rate, progress: countRestarts(path) }),
    );
    const file = Deno.openSync(copy, { read: true });
    const connection = engine.connect(copy);
    connection.exec("begin; select count(*) from sqlite_schema");
    stack.defer(() => request.file.close());
    return new Snapshot({ path: copy, file, connection, journalMode, owned: stack.move() });
  } catch (thrown) {
    throw sqliteError(thrown, copy);
  } finally {
    stack.dispose();
  }
}

/** Follows a copy and ends it when it began anew too often. */
function countRestarts(path: string): (progress: { remainingPages: number }) => void {
  let restarts = 0;
  let least = Infinity;
  return ({ remainingPages }) => {
    if (remainingPages > least && ++restarts > MAX_RESTARTS) {
      throw new TransientError(
        "database.staging-restarts",
        `The copy of "${path}" began anew ${MAX_RESTARTS} times, as programs kept writing the database`,
        {
          hint:
            `Switch it to WAL mode (sqlite3 "${path}" "pragma journal_mode=wal"), raise limits.writer-pause, or back up when less is written.`,
        },
      );
    }
    least = remainingPages;
  };
}

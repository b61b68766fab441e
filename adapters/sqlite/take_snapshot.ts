import type { DatabaseSync } from "node:sqlite";
import type { BackupLimits } from "../../core/database.ts";
import { TransientError, VaultraError } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { SqliteConfig } from "./config.ts";
import { type Engine, text } from "./connection.ts";
import { isBusy, isReadOnly, sqliteError } from "./failure.ts";
import { parseHeader } from "./header.ts";
import { realPath } from "./paths.ts";
import { readHeader, Snapshot } from "./snapshot.ts";
import { stagedSnapshot } from "./staging.ts";

/** Bytes a second that a backup surely reads: from it follows how long writers would wait. */
const SURE_SPEED = 100e6;

/** How often the bounds of a snapshot are looked at, milliseconds. */
const GUARD_INTERVAL = 100;

const defaults = { lockWait: 10_000, writerPause: 3000, logGrowth: 4 * 2 ** 30 };

/** What taking a snapshot needs. */
export interface SnapshotRequest {
  readonly engine: Engine;
  readonly config: SqliteConfig;
  readonly context: PluginContext;
  readonly limits: BackupLimits;
}

/**
 * Freezes a database so that its pages can be read straight from its file; how depends on the journal mode
 * (README.md). Only a database that cannot be frozen in place for long enough is copied to the staging folder.
 *
 * @throws {VaultraError} `database.*`: missing, no database, locked for too long, writers would wait too long.
 */
export async function takeSnapshot(request: SnapshotRequest): Promise<Snapshot> {
  const path = realPath(request.config.path);
  const limits = { ...defaults, ...request.limits };
  let file: Deno.FsFile | undefined;
  try {
    file = openDatabaseFile(path);
    const take = parseHeader(readHeader(file))?.wal ? walSnapshot : rollbackSnapshot;
    return await take({ ...request, limits, path, file });
  } catch (thrown) {
    file?.close();
    throw sqliteError(thrown, path);
  }
}

/** How long writers could wait for the backup of a database of so many bytes in a rollback mode, milliseconds. */
export function pauseEstimate(bytes: number): number {
  return Math.ceil((bytes / SURE_SPEED) * 1000);
}

/** A request with what was found out about it. */
interface Opened extends SnapshotRequest {
  readonly limits: Required<BackupLimits>;
  readonly path: string;
  readonly file: Deno.FsFile;
}

/**
 * Opens the file itself, for reading.
 * @throws {VaultraError} `database.not-found`, `database.not-sqlite`
 */
export function openDatabaseFile(path: string): Deno.FsFile {
  const file = Deno.openSync(path, { read: true });
  try {
    const { size, isFile } = file.statSync();
    if (!isFile) {
      throw new VaultraError("database.not-sqlite", `"${path}" is not a file`, {
        hint: "Name the database file itself.",
      });
    }
    if (size > 0 && parseHeader(readHeader(file)) === undefined) {
      throw new VaultraError(
        "database.not-sqlite",
        `"${path}" is not an SQLite database, or it is encrypted`,
        {
          hint:
            "Check the path; a database that SQLCipher or SEE encrypted must be decrypted to a plain file first.",
        },
      );
    }
    return file;
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}

/**
 * WAL mode: the whole log is brought into the file and a reader starts there. While that reader stays, new commits
 * go to the log and nobody may write the file; writers do not wait.
 */
async function walSnapshot(request: Opened): Promise<Snapshot> {
  const { engine, path, file, limits, context } = request;
  const log = `${path}-wal`;
  let holder: DatabaseSync | undefined;
  let blocker: DatabaseSync | undefined;
  try {
    const reader = holder = engine.connect(path);
    const writer = blocker = engine.connect(path);
    const deadline = performance.now() + limits.lockWait;
    while (!(await context.blocking(60_000 + fileSize(log) / 1000, () => freeze(reader, writer)))) {
      if (performance.now() > deadline) return await stageInstead(request, reader, stillRead(path, limits));
      await pause(context.signal);
    }
    const before = fileSize(log);
    const guard = everySoOften(() => {
      if (fileSize(log) - before > limits.logGrowth) throw logGrew(log, limits);
    });
    const snapshot = new Snapshot({ path, file, connection: reader, journalMode: "wal", guard });
    holder = undefined;
    return snapshot;
  } catch (thrown) {
    if (!isReadOnly(thrown)) throw thrown;
    if (fileSize(log) === 0) return new Snapshot({ path, file, journalMode: "wal" });
    return await stageInstead(request, engine.connect(path, { readOnly: true }), sqliteError(thrown, path));
  } finally {
    blocker?.close();
    holder?.close();
  }
}

/** Tries to start a reader on a file that has its whole log in it. Writers wait only while the last of it is moved. */
function freeze(reader: DatabaseSync, writer: DatabaseSync): boolean {
  const checkpoint = () => reader.prepare("pragma wal_checkpoint(passive)").get() ?? {};
  checkpoint();
  if (!locks(() => writer.exec("begin immediate"))) return false;
  try {
    const { busy, log, checkpointed } = checkpoint();
    if (busy !== 0 || log !== checkpointed) return false;
    beginRead(reader);
    return true;
  } finally {
    writer.exec("rollback");
  }
}

/**
 * Rollback modes: a reader's shared lock keeps the file as it is, and writers wait. A hot journal of a crashed
 * program is rolled back by SQLite when the reader begins.
 */
async function rollbackSnapshot(request: Opened): Promise<Snapshot> {
  const { engine, path, file, limits, context } = request;
  let holder: DatabaseSync | undefined;
  try {
    const reader = holder = engine.connect(path);
    const deadline = performance.now() + limits.lockWait;
    while (!locks(() => beginRead(reader))) {
      if (performance.now() > deadline) throw new Error("database is locked");
      await pause(context.signal);
    }
    const journalMode = text(reader, "pragma journal_mode");
    if (journalMode === "wal") return await walSnapshot(request);
    const estimate = pauseEstimate(file.statSync().size);
    if (estimate > limits.writerPause) {
      reader.exec("rollback");
      return await stageInstead(request, reader, tooLong(path, estimate, limits));
    }
    const snapshot = new Snapshot({
      path,
      file,
      connection: reader,
      journalMode,
      ...writersGuard(engine.connect(path, { busy: 0 }), path, limits),
    });
    holder = undefined;
    return snapshot;
  } finally {
    holder?.close();
  }
}

/** After `writerPause` a snapshot in a rollback mode lasts only as long as no writer waits for it. */
function writersGuard(probe: DatabaseSync, path: string, limits: Required<BackupLimits>) {
  const deadline = performance.now() + limits.writerPause;
  const guard = everySoOften(() => {
    if (performance.now() < deadline) return;
    if (!locks(() => probe.exec("begin immediate"))) throw tooLong(path, undefined, limits);
    probe.exec("rollback");
  });
  return { guard, owned: { [Symbol.dispose]: () => probe.close() } };
}

/** Copies the database to the staging folder, or fails for the given reason when none is configured. */
function stageInstead(request: Opened, source: DatabaseSync, reason: VaultraError): Promise<Snapshot> {
  if (request.config.staging === undefined) throw reason;
  return stagedSnapshot({ ...request, source, staging: request.config.staging });
}

/** Begins a read transaction: the first read takes the lock. */
function beginRead(connection: DatabaseSync): void {
  connection.exec("begin");
  try {
    connection.prepare("select count(*) from sqlite_schema").get();
  } catch (thrown) {
    connection.exec("rollback");
    throw thrown;
  }
}

/** Whether a call got its lock. Other failures pass through. */
function locks(call: () => void): boolean {
  try {
    call();
    return true;
  } catch (thrown) {
    if (isBusy(thrown)) return false;
    throw thrown;
  }
}

/** Makes a check cheap enough to call before every read. */
function everySoOften(check: () => void): () => void {
  let next = 0;
  return () => {
    const now = performance.now();
    if (now < next) return;
    next = now + GUARD_INTERVAL;
    check();
  };
}

async function pause(signal: AbortSignal): Promise<void> {
  await new Promise((wake) => setTimeout(wake, 50));
  signal.throwIfAborted();
}

/** Bytes of a file; 0 when there is none. */
export function fileSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}

function stillRead(path: string, { lockWait }: Required<BackupLimits>): TransientError {
  return new TransientError(
    "database.locked",
    `Within ${lockWait} ms there was no moment without an older reader or a writer in the database "${path}"`,
    {
      hint: "End long transactions of other programs, raise limits.lock-wait, or configure a staging folder.",
    },
  );
}

function tooLong(
  path: string,
  estimate: number | undefined,
  { writerPause }: Required<BackupLimits>,
): VaultraError {
  const told = estimate === undefined
    ? `A program has waited ${writerPause} ms to write the database "${path}", which is all that limits.writer-pause allows`
    : `Writers of the database "${path}" could have to wait ${estimate} ms, but limits.writer-pause allows ${writerPause} ms`;
  return new VaultraError("database.writer-pause", told, {
    hint:
      `Switch it to WAL mode (sqlite3 "${path}" "pragma journal_mode=wal"), configure a staging folder, or raise limits.writer-pause.`,
    ...(estimate === undefined ? {} : { details: { estimate, writerPause } }),
  });
}

function logGrew(log: string, { logGrowth }: Required<BackupLimits>): VaultraError {
  return new VaultraError(
    "database.log-growth",
    `The log "${log}" grew by more than ${logGrowth} bytes during the backup`,
    {
      hint: "Raise limits.log-growth, or back up when less is written.",
    },
  );
}

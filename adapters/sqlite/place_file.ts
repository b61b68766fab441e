import type { DatabaseSync } from "node:sqlite";
import { VaultraError } from "../../core/errors.ts";
import type { Engine } from "./connection.ts";
import { isBusy, isCorrupt, sqliteError } from "./failure.ts";
import { exists, removeFiles, sideFiles } from "./paths.ts";

/** A database already stands where a restore wants to write. */
export function targetExists(target: string): VaultraError {
  return new VaultraError("target.exists", `There is already a file "${target}"`, {
    hint: "Restore to another path, or give --if-exists replace to put the backup in its place.",
  });
}

/**
 * What stands in the way of a new file: the file itself, or a log or journal that an older database left, which
 * SQLite would apply to the new one.
 */
export function obstacles(target: string): string[] {
  return [target, ...sideFiles(target)].filter(exists);
}

/**
 * Gives a finished database its name, where nothing may stand yet.
 * @throws {VaultraError} `target.exists`
 */
export function placeNew(from: string, target: string): void {
  const stale = sideFiles(target).filter(exists);
  if (stale.length > 0 && !exists(target)) {
    throw new VaultraError("target.exists", `"${stale[0]}" is left of a database "${target}" that is gone`, {
      hint: "Move it away, or give --if-exists replace: SQLite would mix it into the restored database.",
    });
  }
  try {
    claim(from, target);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) throw targetExists(target);
    throw thrown;
  }
}

/** A hard link never replaces a file. Where there are none, an empty file takes the name first. */
function claim(from: string, target: string): void {
  try {
    Deno.linkSync(from, target);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists || thrown instanceof Deno.errors.NotFound) throw thrown;
    Deno.openSync(target, { createNew: true, write: true }).close();
    Deno.renameSync(from, target);
    return;
  }
  Deno.removeSync(from);
}

/**
 * Puts a finished database in another's place, in one step, while nobody else can use that one. Its log and
 * journal go first: they would be applied to the new file. Its mode and owner stay: who could use it still can,
 * and nobody else.
 *
 * @throws {VaultraError} `target.in-use` when another program has it open, as far as locks tell that; `target.*`
 * when it can't be locked.
 */
export function placeOver(engine: Engine, from: string, target: string): void {
  const taken = exists(target);
  const old = taken ? seize(engine, target) : undefined;
  try {
    if (taken) inherit(from, target);
    removeFiles(sideFiles(target));
    Deno.renameSync(from, target);
  } finally {
    old?.close();
  }
}

/** Gives a file the mode of another and, where this process may, its owner. Windows has neither. */
function inherit(from: string, other: string): void {
  const { mode, uid, gid } = Deno.statSync(other);
  if (mode === null || uid === null || gid === null) return;
  try {
    Deno.chownSync(from, uid, gid);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.PermissionDenied)) throw thrown;
  }
  Deno.chmodSync(from, mode & 0o777);
}

/**
 * Takes a database for itself: its log is brought into it, so that none is left, and its exclusive lock is held.
 * @returns Nothing when it is no sound database: then there is nothing to keep whole.
 */
function seize(engine: Engine, path: string): DatabaseSync | undefined {
  let connection: DatabaseSync | undefined;
  try {
    // SQLite would open a file that it may not write all the same, and then locks nobody out.
    Deno.openSync(path, { write: true }).close();
    connection = engine.connect(path, { busy: 1000 });
    connection.exec("pragma locking_mode = exclusive; begin exclusive; commit");
    connection.exec("pragma journal_mode = delete");
    connection.exec("pragma locking_mode = normal; select count(*) from sqlite_schema; begin exclusive");
    return connection;
  } catch (thrown) {
    connection?.close();
    if (isCorrupt(thrown)) return undefined;
    if (!isBusy(thrown)) throw sqliteError(thrown, path, "target");
    throw new VaultraError("target.in-use", `Another program uses the database "${path}"`, {
      hint: "End that program, then try again; a database that is replaced under it would be corrupted.",
      cause: thrown,
    });
  }
}

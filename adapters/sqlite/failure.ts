import {
  type ErrorCode,
  type ErrorFamily,
  toVaultraError,
  TransientError,
  VaultraError,
} from "../../core/errors.ts";

/** Whether SQLite refused because someone else holds a lock. node:sqlite tells it by the message alone. */
export function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && /database (table |schema )?is locked/.test(thrown.message);
}

/** Whether SQLite could not write, or not make the files beside the database. */
export function isReadOnly(thrown: unknown): boolean {
  return thrown instanceof Error && /readonly database|unable to open database file/.test(thrown.message);
}

/** Whether SQLite found the file's content wrong. */
export function isCorrupt(thrown: unknown): boolean {
  return thrown instanceof Error &&
    /disk image is malformed|malformed database schema|not a database/.test(thrown.message);
}

/**
 * A failure of SQLite or of the file system as a core error.
 * @param path The file that was worked on.
 * @param family `database` for a database that is read, `target` for one that is written, `damaged` for pages
 * that came out of an archive.
 */
export function sqliteError(thrown: unknown, path: string, family: ErrorFamily = "database"): VaultraError {
  if (thrown instanceof VaultraError) return thrown;
  if (!(thrown instanceof Error)) return toVaultraError(thrown);
  const error = (name: string, message: string, hint: string) =>
    new VaultraError(`${family}.${name}` as ErrorCode, message, { hint, cause: thrown });
  if (thrown.name === "AbortError") return toVaultraError(thrown);
  if (isBusy(thrown)) {
    return new TransientError(
      `${family}.locked` as ErrorCode,
      `The database "${path}" is locked by another program`,
      {
        hint:
          "Try again, or raise limits.lock-wait; a program that opened it with locking_mode=EXCLUSIVE must close it first.",
        cause: thrown,
      },
    );
  }
  if (thrown.message.includes("malformed database schema")) {
    return error(
      "schema",
      `The schema of the database "${path}" cannot be read: ${thrown.message}`,
      "It is corrupt, or was made by a newer SQLite than the one in this program.",
    );
  }
  if (isCorrupt(thrown)) {
    return error(
      "corrupt",
      `The database "${path}" is corrupt`,
      `Look at it with: sqlite3 "${path}" "pragma integrity_check".`,
    );
  }
  if (thrown instanceof Deno.errors.NotFound) {
    return error("not-found", `There is no file "${path}"`, "Check the path and its folder.");
  }
  if (thrown instanceof Deno.errors.NotCapable) {
    return error(
      "not-granted",
      `The file "${path}" lies outside what this run was granted`,
      "A link on its path changed while the run began; try again.",
    );
  }
  if (thrown instanceof Deno.errors.PermissionDenied || /permission denied/i.test(thrown.message)) {
    return error(
      "no-permission",
      `There is no permission to use "${path}"`,
      "Check the owner and mode of the file and its folder.",
    );
  }
  if (/disk is full|no space left|os error 28|quota exceeded/i.test(thrown.message)) {
    return error("disk-full", `The disk that holds "${path}" is full`, "Free some space, then try again.");
  }
  if (isReadOnly(thrown)) {
    return error(
      "read-only",
      `The database "${path}" cannot be opened for writing, which its journal mode needs`,
      "Give write permission on the file and its folder, so that SQLite can make its side files there.",
    );
  }
  if (family === "target" && /constraint failed/.test(thrown.message)) {
    return error(
      "conflict",
      `A row does not fit beside those of "${path}": ${thrown.message}`,
      "Restore somewhere else and compare, or say --if-exists replace to have the tables replaced.",
    );
  }
  return error(
    "sqlite",
    `SQLite failed on "${path}": ${thrown.message}`,
    "Run vaultra doctor for the database.",
  );
}

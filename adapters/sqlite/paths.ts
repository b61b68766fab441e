import { basename, join } from "node:path";
import { createHash } from "node:crypto";

/** The suffixes of the files that SQLite keeps beside a database: https://sqlite.org/tempfiles.html. */
const sideSuffixes = ["-wal", "-shm", "-journal"] as const;

/** A database file and the files that SQLite keeps beside it. */
export function databaseFiles(path: string): string[] {
  return [path, ...sideFiles(path)];
}

/** The files that SQLite keeps beside a database. */
export function sideFiles(path: string): string[] {
  return sideSuffixes.map((suffix) => path + suffix);
}

/** The temporary files of a restore, beside the target so that a rename suffices; the names are fixed. */
export interface RestoreFiles {
  /** The database in the making. */
  readonly restore: string;
  /** The pages of the archive from which single tables are copied. */
  readonly pages: string;
  /** Held while a restore runs, so that a second one is told apart from a dead one. */
  readonly lock: string;
}

/** The temporary files of a restore to `target`. */
export function restoreFiles(target: string): RestoreFiles {
  return {
    restore: `${target}.vaultra-restore`,
    pages: `${target}.vaultra-pages`,
    lock: `${target}.vaultra-lock`,
  };
}

/** The temporary copy of a database in the staging folder, and the lock that guards it. */
export function stagingFiles(
  staging: string,
  path: string,
): { readonly copy: string; readonly lock: string } {
  const mark = createHash("sha256").update(path).digest("hex").slice(0, 16);
  const copy = join(staging, `${basename(path)}.${mark}.vaultra-staging`);
  return { copy, lock: `${copy}-lock` };
}

/**
 * The file that a path leads to. A path that leads nowhere is returned as it is: a link to nothing then fails
 * where the file is opened or created.
 */
export function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied) return path;
    if (thrown instanceof Deno.errors.NotADirectory) return path;
    throw thrown;
  }
}

/** Removes files, as far as they exist. */
export function removeFiles(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      Deno.removeSync(path);
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
}

/** Whether anything stands at a path, a link to nothing included. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

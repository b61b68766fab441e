import { VaultraError } from "../../core/errors.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { removeFiles } from "./paths.ts";

/** A file that one process at a time holds locked; the kernel frees it when that process dies. */
export class LockFile implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #path: string;

  private constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /**
   * Locks a file, made when it is missing.
   * @param what What is busy when another process holds the lock, as the subject of a sentence.
   * @throws {VaultraError} `code` when another process holds it.
   */
  static take(path: string, code: ErrorCode, what: string): LockFile {
    for (;;) {
      const file = Deno.openSync(path, { create: true, read: true, write: true, truncate: false });
      if (!file.tryLockSync(true)) {
        file.close();
        throw new VaultraError(code, `${what} is in use by another run`, {
          hint: "Wait until that run has ended.",
        });
      }
      if (isSameFile(file, path)) return new LockFile(file, path);
      file.close();
    }
  }

  /** Frees the lock and removes the file; whoever waited for it makes a new one. */
  [Symbol.dispose](): void {
    removeFiles([this.#path]);
    this.#file.close();
  }
}

/** Whether a path still leads to an open file: its last holder may have removed it in between. */
function isSameFile(file: Deno.FsFile, path: string): boolean {
  try {
    return file.statSync().ino === Deno.statSync(path).ino;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

import { join } from "node:path";
import type { Bytes } from "../../core/streams/bytes.ts";
import { errorCode } from "./file_error.ts";

/**
 * After so many bytes what was written is sent to the disk: while more is compressed, so that the flush at the end is
 * short and no flood of writes disturbs others on the machine.
 */
const FLUSH_BYTES = 32 << 20;

const pattern = /^\.(.+)\.[0-9a-f]{16}\.vaultra-upload$/;

/** The name that an unfinished upload's file was to get, or `undefined` for a file of any other kind. */
export function unfinishedName(file: string): string | undefined {
  return pattern.exec(file)?.[1];
}

/**
 * A file that is written beside its destination under a name that no list shows. Its writer holds a lock on
 * it, which the system drops when the process dies: so the living are told from the dead.
 */
export class TemporaryFile implements AsyncDisposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  #published = false;
  #unflushed = 0;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** Creates the file for an object called `name` in a folder that exists. */
  static async create(folder: string, name: string): Promise<TemporaryFile> {
    const random = crypto.getRandomValues(new Uint8Array(8)).toHex();
    const path = join(folder, `.${name}.${random}.vaultra-upload`);
    const file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
    await file.lock(true);
    // Between the two calls the file looked abandoned and may have been discarded; then begin again.
    if ((await inode(path)) === (await file.stat()).ino) return new TemporaryFile(path, file);
    file.close();
    return await TemporaryFile.create(folder, name);
  }

  /** Appends a block. */
  async write(block: Bytes): Promise<void> {
    for (let done = 0; done < block.length;) done += await this.#file.write(block.subarray(done));
    this.#unflushed += block.length;
    if (this.#unflushed < FLUSH_BYTES) return;
    this.#unflushed = 0;
    await this.#file.syncData();
  }

  /** Flushes the content to the disk. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /** Gives the file its final name, replacing whatever file has it. */
  async publish(path: string): Promise<void> {
    await Deno.rename(this.path, path);
    this.#published = true;
  }

  /** Closes the file, and removes it unless it was published. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#published) await Deno.remove(this.path);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    } finally {
      this.#file.close();
    }
  }
}

/** The file's number in its file system, or `undefined` when it is gone. */
async function inode(path: string): Promise<number | null | undefined> {
  try {
    return (await Deno.lstat(path)).ino;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Opens an unfinished file and locks it, so that nobody takes it for abandoned twice.
 * @returns The locked file, or `undefined` when its writer lives or it is gone.
 */
export async function claimAbandoned(path: string): Promise<Deno.FsFile | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { write: true });
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    if (await file.tryLock(true)) return file;
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  return undefined;
}

import type { RestoreEntry } from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import { type DatabaseHeader, parseHeader } from "./header.ts";
import { readHeader } from "./snapshot.ts";

/** The database file that the parts of an archive make, written in order. */
export class PageFile implements Disposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  #parts = 0;
  #bytes = 0;
  #closed = false;

  /**
   * Makes the file.
   * @param mode What the file system's own mask leaves of it; a working copy is for its owner alone.
   * @throws {Deno.errors.AlreadyExists}
   */
  constructor(path: string, mode: number) {
    this.path = path;
    this.#file = Deno.openSync(path, { createNew: true, read: true, write: true, mode });
  }

  /** Bytes written. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds the next part. The page hashes are passed over.
   * @throws {VaultraError} `damaged.order` for any other entry than the next part.
   */
  write(entry: RestoreEntry): void {
    if (entry.section === "pages") return;
    if (entry.section !== "data" || entry.object !== 1 || entry.part !== this.#parts) {
      throw new VaultraError(
        "damaged.order",
        `The archive holds ${entry.section} part ${entry.part} of object ${
          entry.object ?? "none"
        } where part ${this.#parts} of the database file belongs`,
        { hint: "The archive was not made by a backup of SQLite, or was altered; use another backup." },
      );
    }
    this.#parts++;
    for (const bytes of entry.bytes) {
      for (let written = 0; written < bytes.length;) written += this.#file.writeSync(bytes.subarray(written));
      this.#bytes += bytes.length;
    }
  }

  /**
   * The header of the file once all parts are in it; nothing for an empty database.
   * @throws {VaultraError} `damaged.pages` when the length is not what the header tells.
   */
  header(): DatabaseHeader | undefined {
    const header = parseHeader(readHeader(this.#file));
    const pages = header && (header.pageCount ?? Math.floor(this.#bytes / header.pageSize));
    const told = header && pages ? header.pageSize * pages : 0;
    if (this.#parts === 0 || told !== this.#bytes) {
      throw new VaultraError(
        "damaged.pages",
        header
          ? `The archive holds ${this.#bytes} bytes of a database that tells of ${told}`
          : "The archive holds bytes that are not an SQLite database",
        { hint: "Verify the archive, or use another backup." },
      );
    }
    return header;
  }

  /** Flushes the file to the disk, on another thread, and closes it. */
  async flush(): Promise<void> {
    await this.#file.sync();
    this[Symbol.dispose]();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }
}

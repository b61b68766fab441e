import type { DatabaseSync } from "node:sqlite";
import { VaultraError } from "../../core/errors.ts";
import { HEADER_BYTES, parseHeader } from "./header.ts";

/** What a snapshot is made of. */
export interface SnapshotParts {
  /** The file that the pages are read from. */
  readonly path: string;
  readonly file: Deno.FsFile;
  /** The connection whose open transaction keeps the file as it is; absent when nobody can write it. */
  readonly connection?: DatabaseSync;
  readonly journalMode: string;
  /** Called between reads; throws once the snapshot costs others more than they agreed to. */
  readonly guard?: () => void;
  /** Further things to dispose of, after the connection. */
  readonly owned?: Disposable;
}

/**
 * A database file that stays as it is until this is disposed of.
 *
 * Every read is synchronous: Deno's asynchronous ones duplicate and close the file descriptor, and closing any
 * descriptor of a file drops the locks that SQLite holds on it (https://sqlite.org/howtocorrupt.html, 2.2). For
 * the same reason the file is closed after the connection.
 */
export class Snapshot implements Disposable {
  readonly path: string;
  readonly connection: DatabaseSync | undefined;
  readonly journalMode: string;
  readonly pageSize: number;
  readonly pageCount: number;
  /** Bytes that follow the last page and belong to no page. */
  readonly excess: number;
  readonly #parts: SnapshotParts;
  readonly #state: string;

  /** @throws {VaultraError} `database.corrupt` when the file is shorter than its header says. */
  constructor(parts: SnapshotParts) {
    this.#parts = parts;
    this.path = parts.path;
    this.connection = parts.connection;
    this.journalMode = parts.journalMode;
    const size = parts.file.statSync().size;
    const header = parseHeader(readHeader(parts.file));
    this.pageSize = header?.pageSize ?? 4096;
    this.pageCount = header ? header.pageCount ?? Math.floor(size / this.pageSize) : 0;
    this.excess = size - this.bytes;
    if (this.excess < 0 || (header === undefined && size > 0)) {
      throw new VaultraError(
        "database.corrupt",
        `The database "${parts.path}" is corrupt: its header tells of ${this.bytes} bytes, the file has ${size}`,
        {
          hint: `Recover what is left with: sqlite3 "${parts.path}" .recover.`,
        },
      );
    }
    this.#state = this.#look();
  }

  /** Bytes of all pages. */
  get bytes(): number {
    return this.pageCount * this.pageSize;
  }

  /**
   * Fills a buffer from the file.
   * @throws {VaultraError} `database.changed` when the file ends too early; what the guard throws.
   */
  read(offset: number, buffer: Uint8Array): void {
    this.#parts.guard?.();
    this.#parts.file.seekSync(offset, Deno.SeekMode.Start);
    for (let filled = 0; filled < buffer.length;) {
      const got = this.#parts.file.readSync(buffer.subarray(filled));
      if (got === null) throw this.#changed();
      filled += got;
    }
  }

  /** The first bytes of the file, see {@linkcode readHeader}. */
  header(): Uint8Array {
    return readHeader(this.#parts.file);
  }

  /**
   * Checks that nobody wrote the file since the snapshot was taken.
   * @throws {VaultraError} `database.changed`
   */
  verify(): void {
    this.#parts.guard?.();
    if (this.#look() !== this.#state) throw this.#changed();
  }

  /** Lets the database go. */
  [Symbol.dispose](): void {
    try {
      this.#parts.connection?.close();
    } finally {
      this.#parts.owned?.[Symbol.dispose]();
      this.#parts.file.close();
    }
  }

  /** What changes when somebody writes the file: its size, its time, and the header with its change counter. */
  #look(): string {
    const { size, mtime } = this.#parts.file.statSync();
    return `${size} ${mtime?.getTime()} ${this.header().join()}`;
  }

  #changed(): VaultraError {
    return new VaultraError(
      "database.changed",
      `The database "${this.path}" was written to although it was locked`,
      {
        hint:
          "Something writes the file without SQLite's locks, or a network file system lost them; stop it, then try again.",
      },
    );
  }
}

/** The first bytes of a file, fewer when it is shorter than a header. */
export function readHeader(file: Deno.FsFile): Uint8Array {
  file.seekSync(0, Deno.SeekMode.Start);
  const bytes = new Uint8Array(HEADER_BYTES);
  let filled = 0;
  while (filled < bytes.length) {
    const got = file.readSync(bytes.subarray(filled));
    if (got === null) break;
    filled += got;
  }
  return bytes.subarray(0, filled);
}

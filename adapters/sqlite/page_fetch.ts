import type { PartReader } from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { damagedPage, type PageRole, references } from "./btree.ts";
import { type DatabaseHeader, parseHeader } from "./header.ts";

/** What is known of a page: one byte each. */
const UNSEEN = 0;
const WANTED_TREE = 1;
const WANTED_OVERFLOW = 2;
const FETCHED = 3;

/** The data of the one object of a backup. */
const MAIN = 1;

/**
 * Fetches whole trees of pages out of an archive into a sparse file, and reads nothing else of it.
 *
 * The parts are swept in order, again and again: each time one is read, all pages wanted in it are taken, which
 * makes more pages wanted. One part is in memory at a time, kept until another is read, and a byte for each page
 * of the database. Each page belongs to one tree only, so one that is wanted twice is damage, and no cycle can make
 * the sweep endless.
 */
export class PageFetch implements Disposable {
  readonly header: DatabaseHeader;
  readonly #reader: PartReader;
  readonly #file: Deno.FsFile;
  /** The page with which each part begins, from 1, and one more for the end. */
  readonly #firstPages: readonly number[];
  readonly #states: Uint8Array;
  /** Pages wanted in each part. */
  readonly #wanted: Uint32Array;
  /** The part that was read last. */
  #last: { readonly part: number; readonly bytes: Bytes } | undefined;

  private constructor(
    reader: PartReader,
    file: Deno.FsFile,
    header: DatabaseHeader,
    firstPages: readonly number[],
    first: Bytes,
  ) {
    this.header = header;
    this.#reader = reader;
    this.#file = file;
    this.#firstPages = firstPages;
    this.#states = new Uint8Array(this.#end);
    this.#wanted = new Uint32Array(firstPages.length - 1);
    this.#last = { part: 0, bytes: first };
  }

  /**
   * Makes the sparse file.
   * @returns Nothing when the database in the archive is empty.
   * @throws {VaultraError} `damaged.*`
   */
  static async create(reader: PartReader, path: string): Promise<PageFetch | undefined> {
    const layout = await reader.layout("data", MAIN);
    const total = layout.reduce((sum, length) => sum + length, 0);
    if (total === 0) return undefined;
    const first = await reader.read("data", MAIN, 0);
    const header = parseHeader(first);
    if (!header || total % header.pageSize !== 0 || total / header.pageSize > 2 ** 32 - 2) {
      throw damagedPage(1);
    }
    const firstPages = [1];
    for (const length of layout) {
      if (length <= 0 || length % header.pageSize !== 0) throw damagedPage(firstPages.at(-1) ?? 1);
      firstPages.push((firstPages.at(-1) ?? 1) + length / header.pageSize);
    }
    const file = Deno.openSync(path, { createNew: true, read: true, write: true });
    try {
      file.truncateSync(total);
      return new PageFetch(reader, file, header, firstPages, first);
    } catch (thrown) {
      file.close();
      throw thrown;
    }
  }

  /** Fetches the trees that begin at some pages. */
  async fetch(roots: readonly number[]): Promise<void> {
    for (const root of roots) this.#want(root, "tree");
    for (let part = 0, idle = 0; idle < this.#wanted.length; part = (part + 1) % this.#wanted.length) {
      if (this.#wanted[part] === 0) {
        idle++;
        continue;
      }
      idle = 0;
      this.#take(part, await this.#read(part));
    }
  }

  async #read(part: number): Promise<Bytes> {
    if (this.#last?.part === part) return this.#last.bytes;
    this.#last = undefined;
    const bytes = await this.#reader.read("data", MAIN, part);
    this.#last = { part, bytes };
    return bytes;
  }

  /** Closes the file, which stays. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  get #end(): number {
    return this.#firstPages.at(-1) ?? 1;
  }

  /** Marks a page as wanted and tells the part it is in. */
  #want(page: number, role: PageRole): number {
    if (page < 1 || page >= this.#end || this.#states[page] !== UNSEEN) throw damagedPage(page);
    this.#states[page] = role === "tree" ? WANTED_TREE : WANTED_OVERFLOW;
    const part = this.#partOf(page);
    this.#wanted[part] = (this.#wanted[part] ?? 0) + 1;
    return part;
  }

  /** Takes every page that is wanted in a part, those that become wanted meanwhile included. */
  #take(part: number, bytes: Bytes): void {
    const { pageSize, reserved } = this.header;
    const first = this.#firstPages[part] ?? 1;
    const end = this.#firstPages[part + 1] ?? 1;
    if (bytes.length !== (end - first) * pageSize) {
      throw new VaultraError(
        "damaged.part-length",
        `Part ${part} of the database has another length than the index tells`,
      );
    }
    const todo: number[] = [];
    for (let page = first; page < end; page++) {
      const state = this.#states[page];
      if (state === WANTED_TREE || state === WANTED_OVERFLOW) todo.push(page);
    }
    const taken: number[] = [];
    for (let page = todo.pop(); page !== undefined; page = todo.pop()) {
      const role = this.#states[page] === WANTED_TREE ? "tree" : "overflow";
      this.#states[page] = FETCHED;
      taken.push(page);
      const content = bytes.subarray((page - first) * pageSize, (page - first + 1) * pageSize);
      references(content, page, pageSize - reserved, role, (other, otherRole) => {
        if (this.#want(other, otherRole) === part) todo.push(other);
      });
    }
    this.#wanted[part] = 0;
    this.#write(taken.sort((a, b) => a - b), first, bytes);
  }

  /** Writes pages at their places, neighbours together. */
  #write(pages: readonly number[], first: number, bytes: Bytes): void {
    const { pageSize } = this.header;
    for (let at = 0; at < pages.length;) {
      const begin = pages[at] ?? 0;
      let end = begin;
      while (pages[at] === end) {
        end++;
        at++;
      }
      this.#file.seekSync((begin - 1) * pageSize, Deno.SeekMode.Start);
      const run = bytes.subarray((begin - first) * pageSize, (end - first) * pageSize);
      for (let written = 0; written < run.length;) written += this.#file.writeSync(run.subarray(written));
    }
  }

  /** The part that holds a page: the last one that begins at or before it. */
  #partOf(page: number): number {
    let low = 0;
    let high = this.#firstPages.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#firstPages[middle] ?? 0) <= page) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Marks a database file as one without a log, so that it opens without side files. For working copies only. */
export function clearLogMode(path: string): void {
  const file = Deno.openSync(path, { write: true });
  try {
    file.seekSync(18, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array([1, 1]));
  } finally {
    file.close();
  }
}

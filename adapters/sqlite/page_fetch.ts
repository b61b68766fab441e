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

/** How pages are fetched. */
export interface PageFetchOptions {
  /** Goes on where parts are missing or pages are damaged: default: the first one is an error. */
  readonly salvage?: boolean;
}

/**
 * Fetches whole trees of pages out of an archive into a sparse file, and reads nothing else of it.
 *
 * The parts are swept in order, again and again: each time one is read, all pages wanted in it are taken, which
 * makes more pages wanted. One part is in memory at a time, kept until another is read, and a byte for each page
 * of the database. Each page belongs to one tree only, so one that is wanted twice is damage, and no cycle can make
 * the sweep endless.
 *
 * To salvage, the tree that each page belongs to is kept as well, four bytes a page: what is missing or damaged loses its
 * tree, and no other.
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
  /** To salvage: the root of the tree that each page that is wanted belongs to. */
  readonly #owners: Uint32Array | undefined;
  /** Why trees are lost, by their roots. */
  readonly #lost = new Map<number, string>();
  /** The part that was read last. */
  #last: { readonly part: number; readonly bytes: Bytes } | undefined;

  private constructor(
    reader: PartReader,
    file: Deno.FsFile,
    header: DatabaseHeader,
    firstPages: readonly number[],
    first: Bytes,
    salvage: boolean,
  ) {
    this.header = header;
    this.#reader = reader;
    this.#file = file;
    this.#firstPages = firstPages;
    this.#states = new Uint8Array(this.#end);
    this.#wanted = new Uint32Array(firstPages.length - 1);
    this.#last = { part: 0, bytes: first };
    if (salvage) this.#owners = new Uint32Array(this.#end);
  }

  /**
   * Makes the sparse file.
   * @returns Nothing when the database in the archive is empty.
   * @throws {VaultraError} `damaged.*`
   */
  static async create(
    reader: PartReader,
    path: string,
    { salvage = false }: PageFetchOptions = {},
  ): Promise<PageFetch | undefined> {
    const layout = await reader.layout("data", MAIN);
    const total = layout.reduce((sum, length) => sum + length, 0);
    if (total === 0 && !salvage) return undefined;
    const first = await reader.read("data", MAIN, 0);
    if (first.length === 0 && layout.length === 1) return undefined;
    const header = parseHeader(first);
    if (!header || total % header.pageSize !== 0 || total / header.pageSize > 2 ** 32 - 2) {
      throw damagedPage(1);
    }
    const firstPages = [1];
    for (const length of layout) {
      if (length <= 0 || length % header.pageSize !== 0) throw damagedPage(firstPages.at(-1) ?? 1);
      firstPages.push((firstPages.at(-1) ?? 1) + length / header.pageSize);
    }
    // SQLite takes a file that is shorter than its header tells for a damaged one.
    const told = salvage ? (header.pageCount ?? 0) * header.pageSize : 0;
    const file = Deno.openSync(path, { createNew: true, read: true, write: true, mode: 0o600 });
    try {
      file.truncateSync(Math.max(total, told));
      return new PageFetch(reader, file, header, firstPages, first, salvage);
    } catch (thrown) {
      file.close();
      throw thrown;
    }
  }

  /**
   * Fetches the trees that begin at some pages.
   * @returns Why trees are lost, by their roots; to salvage, else none is.
   */
  async fetch(roots: readonly number[]): Promise<ReadonlyMap<number, string>> {
    for (const root of roots) this.#want(root, "tree", root);
    for (let part = 0, idle = 0; idle < this.#wanted.length; part = (part + 1) % this.#wanted.length) {
      if (this.#wanted[part] === 0) {
        idle++;
        continue;
      }
      idle = 0;
      const bytes = await this.#read(part);
      if (bytes === undefined) this.#miss(part);
      else this.#take(part, bytes);
    }
    return this.#lost;
  }

  /** Makes an empty table of one that is lost, so that it can be read. */
  empty(root: number): void {
    const page = new Uint8Array(this.header.pageSize);
    const usable = this.header.pageSize - this.header.reserved;
    // A leaf without cells, whose content begins at the page's end: https://sqlite.org/fileformat2.html#b_tree_pages.
    page[0] = 13;
    new DataView(page.buffer).setUint16(5, usable & 0xffff);
    this.#write([root], root, page);
  }

  /** A part's bytes; nothing when it is missing, to salvage. */
  async #read(part: number): Promise<Bytes | undefined> {
    if (this.#last?.part === part) return this.#last.bytes;
    this.#last = undefined;
    try {
      const bytes = await this.#reader.read("data", MAIN, part);
      this.#last = { part, bytes };
      return bytes;
    } catch (thrown) {
      if (this.#owners && isMissing(thrown)) return undefined;
      throw thrown;
    }
  }

  /** Loses the trees whose pages are wanted in a part that is missing. */
  #miss(part: number): void {
    for (let page = this.#firstPages[part] ?? 1; page < (this.#firstPages[part + 1] ?? 1); page++) {
      const state = this.#states[page];
      if (state !== WANTED_TREE && state !== WANTED_OVERFLOW) continue;
      this.#states[page] = FETCHED;
      this.#lose(this.#ownerOf(page), `part ${part} of the database is missing`);
    }
    this.#wanted[part] = 0;
  }

  #lose(root: number, why: string): void {
    if (!this.#lost.has(root)) this.#lost.set(root, why);
  }

  #ownerOf(page: number): number {
    return this.#owners?.[page] ?? 0;
  }

  /** Closes the file, which stays. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  get #end(): number {
    return this.#firstPages.at(-1) ?? 1;
  }

  /** Marks a page as wanted and tells the part it is in; nothing when it can't be had, and its tree is lost. */
  #want(page: number, role: PageRole, root: number): number | undefined {
    const isThere = page >= 1 && page < this.#end;
    if (!isThere || this.#states[page] !== UNSEEN) {
      if (!this.#owners) throw damagedPage(page);
      const why = page >= this.#end ? "the end of the database is missing" : damagedPage(page).message;
      this.#lose(root, why);
      if (isThere) this.#lose(this.#ownerOf(page), why);
      return undefined;
    }
    this.#states[page] = role === "tree" ? WANTED_TREE : WANTED_OVERFLOW;
    if (this.#owners) this.#owners[page] = root;
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
      const root = this.#ownerOf(page);
      try {
        references(content, page, pageSize - reserved, role, (other, otherRole) => {
          if (this.#want(other, otherRole, root) === part) todo.push(other);
        });
      } catch (thrown) {
        if (!this.#owners || !(thrown instanceof VaultraError)) throw thrown;
        this.#lose(root, thrown.message);
      }
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

/** Whether an error tells of a part that an archive lacks. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof VaultraError && thrown.code === "damaged.missing-part";
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

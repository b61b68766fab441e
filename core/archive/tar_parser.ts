/**
 * Cuts the raw bytes of an archive into whole entries, block by block, as they come.
 *
 * @module
 */
import { joinBlocks } from "../streams/blocks.ts";
import type { Bytes } from "../streams/bytes.ts";
import { type EntryPath, parsePath } from "./entry_path.ts";
import { MAX_PART_BYTES } from "./format.ts";
import { MAX_DOCUMENT_BYTES } from "./limits.ts";
import { quoteName } from "./quote_name.ts";
import {
  damagedTar,
  isZero,
  MAX_PAX_BYTES,
  paddingOf,
  parsePax,
  parseTarHeader,
  type Pax,
  TAR_BLOCK,
} from "./tar.ts";

/** One whole entry. */
export interface TarEntry {
  readonly path: string;
  /** What the path says. */
  readonly place: EntryPath;
  /** Present exactly for entries of the index: files of the schema, and parts. */
  readonly pax: Pax | undefined;
  readonly size: number;
  /** The content, cut as the raw bytes came: views of the blocks, not copies. */
  readonly content: readonly Bytes[];
  /** Where the entry's first header begins in the raw bytes, and where its padding ends. */
  readonly start: number;
  readonly end: number;
}

/**
 * Parses strictly and in bounded memory: one entry of at most 256 MiB and its headers. Every entry has a path
 * of the format, a file or part has its pax header, nothing else has one.
 */
export class TarParser {
  /** Raw bytes read so far. */
  #position = 0;
  #taken = 0;
  #state: "header" | "pax" | "content" | "padding" | "zeros" | "end" = "header";
  /** Bytes of the current header, pax body or padding that an earlier block held. */
  #partial: Uint8Array[] = [];
  /** Bytes still missing of what the state reads. */
  #missing = TAR_BLOCK;
  #start = 0;
  #paxSize = 0;
  #pax: Pax | undefined;
  #path = "";
  #place: EntryPath | undefined;
  #size = 0;
  #content: Bytes[] = [];

  /** Whether the tar's end, two blocks of zeros, was read. */
  get ended(): boolean {
    return this.#state === "end";
  }

  /** The path of the entry that is being read, for errors about a cut archive; absent between entries. */
  get unfinished(): string | undefined {
    return this.#state === "content" || this.#state === "padding" ? this.#path : undefined;
  }

  /**
   * Reads on in `block`; the views of content keep it alive. Stops at the tar's end.
   * @param limit Stops after so many entries.
   * @returns The entries that became whole, in order.
   * @throws {VaultraError} `damaged.tar`
   */
  push(block: Bytes, limit = Infinity): TarEntry[] {
    const entries: TarEntry[] = [];
    let at = 0;
    while (at < block.length && this.#state !== "end" && entries.length < limit) {
      const length = Math.min(this.#missing, block.length - at);
      const bytes = block.subarray(at, at + length);
      at += length;
      this.#position += length;
      this.#missing -= length;
      if (this.#state === "content") this.#content.push(bytes);
      else this.#partial.push(bytes);
      if (this.#missing === 0) this.#complete(entries);
    }
    this.#taken = at;
    return entries;
  }

  /** Bytes of the last block that were read: fewer than it has when the tar ended in it. */
  get taken(): number {
    return this.#taken;
  }

  /** The state has all its bytes: reads them and goes on to the next. */
  #complete(entries: TarEntry[]): void {
    if (this.#state === "content") {
      this.#expect("padding", paddingOf(this.#size), entries);
      return;
    }
    const bytes = joinBlocks(this.#partial);
    this.#partial = [];
    switch (this.#state) {
      case "header":
        this.#readHeader(bytes, entries);
        return;
      case "pax":
        if (!isZero(bytes, this.#paxSize, bytes.length)) {
          throw damagedTar("A pax header's padding is not zero");
        }
        this.#pax = parsePax(bytes.subarray(0, this.#paxSize));
        this.#expect("header", TAR_BLOCK, entries);
        return;
      case "padding":
        if (!isZero(bytes, 0, bytes.length)) {
          throw damagedTar(`The padding of entry ${quoteName(this.#path)} is not zero`);
        }
        this.#finishEntry(entries);
        return;
      default:
        if (parseTarHeader(bytes) !== null) {
          throw damagedTar("A single block of zeros stands within the tar");
        }
        this.#state = "end";
    }
  }

  #expect(
    state: "header" | "pax" | "content" | "padding" | "zeros",
    bytes: number,
    entries: TarEntry[],
  ): void {
    this.#state = state;
    this.#missing = bytes;
    if (bytes === 0) this.#complete(entries);
  }

  #readHeader(block: Uint8Array, entries: TarEntry[]): void {
    const header = parseTarHeader(block);
    if (header === null) {
      if (this.#pax !== undefined) throw damagedTar("A pax header belongs to no entry");
      this.#expect("zeros", TAR_BLOCK, entries);
      return;
    }
    if (header.type === "pax") {
      if (this.#pax !== undefined) throw damagedTar("Two pax headers follow each other");
      if (header.size < 1 || header.size > MAX_PAX_BYTES) {
        throw damagedTar(`A pax header of ${header.size} bytes is refused`);
      }
      this.#paxSize = header.size;
      this.#expect("pax", header.size + paddingOf(header.size), entries);
      return;
    }
    this.#place = checkedPlace(header.path, header.size, this.#pax);
    this.#path = header.path;
    this.#size = header.size;
    this.#expect("content", header.size, entries);
  }

  #finishEntry(entries: TarEntry[]): void {
    entries.push({
      path: this.#path,
      place: this.#place!,
      pax: this.#pax,
      size: this.#size,
      content: this.#content,
      start: this.#start,
      end: this.#position,
    });
    this.#pax = undefined;
    this.#content = [];
    this.#start = this.#position;
    this.#state = "header";
    this.#missing = TAR_BLOCK;
  }
}

/** What the path says, once it is clear that the headers agree with it. */
function checkedPlace(path: string, size: number, pax: Pax | undefined): EntryPath {
  const place = parsePath(path);
  if (place === null) throw damagedTar(`The entry ${quoteName(path)} has a path that no archive holds`);
  const indexed = place.kind === "part" || place.kind === "file";
  if (size > (indexed ? MAX_PART_BYTES : MAX_DOCUMENT_BYTES)) {
    throw damagedTar(
      `The entry ${quoteName(path)} claims ${size} bytes, more than an archive's entries hold`,
    );
  }
  const isPart = place.kind === "part";
  const agrees = indexed === (pax !== undefined) && isPart === (pax?.object !== undefined) &&
    isPart === (pax?.rows !== undefined) && pax?.part === (isPart ? place.part : undefined) &&
    (isPart || pax?.continues === undefined);
  if (!agrees) throw damagedTar(`The pax header of entry ${quoteName(path)} does not fit its path`);
  return place;
}

import type { IndexEntry, Manifest } from "./format.ts";
import { damagedIndex, parseLine, splitLines } from "./index_line.ts";
import { freeBlock } from "../streams/blocks.ts";
import { GROUP_BYTES, INDEX_PIECE_LINES } from "./limits.ts";
import { checkFollows, type EntryPlace, type RangeReader } from "./range_reader.ts";

/** Reads the lines of the index, one piece in memory at a time. */
export class IndexReader {
  readonly #ranges: RangeReader;
  readonly #manifest: Manifest;

  /**
   * @param manifest Validated.
   * @throws {VaultraError} `damaged.index` when its pieces cannot hold its lines or are out of order
   */
  constructor(ranges: RangeReader, manifest: Manifest) {
    this.#ranges = ranges;
    this.#manifest = manifest;
    if (manifest.index.length !== Math.ceil(manifest.totals.entries / INDEX_PIECE_LINES)) {
      throw damagedIndex("The manifest names another number of index pieces than its lines need");
    }
    for (const [i, piece] of manifest.index.entries()) {
      const before = manifest.index[i - 1];
      if (
        piece.path !== `index/${i}.jsonl` || piece.at !== 0 ||
        (before !== undefined && piece.offset !== before.offset + before.stored)
      ) {
        throw damagedIndex(`The manifest names piece ${i} of the index wrongly`);
      }
    }
  }

  /**
   * Lines `first` to `last`, both counted from 0 and included, checked each by itself and against its neighbours.
   * @throws {VaultraError} `damaged.index`, `damaged.hash`
   */
  async *lines(first = 0, last = this.#manifest.totals.entries - 1): AsyncGenerator<IndexEntry> {
    // Unknown at the first line of the first piece that is read, unless that is the very first one.
    let before: EntryPlace | undefined;
    for (let piece = Math.floor(first / INDEX_PIECE_LINES); piece * INDEX_PIECE_LINES <= last; piece++) {
      const place = this.#manifest.index[piece]!;
      let line = piece * INDEX_PIECE_LINES;
      const end = Math.min(line + INDEX_PIECE_LINES, this.#manifest.totals.entries);
      if (piece === 0) before = this.#manifest.restore;
      const blocks = await this.#ranges.document(place);
      for (const text of splitLines(blocks, place.path)) {
        const entry = parseLine(text);
        if (before !== undefined) checkFollows(before, entry);
        before = entry;
        if (line >= first && line <= last) yield entry;
        if (++line > end) break;
      }
      // A piece of the index is large, and no other entry lies in its frames; small ones may be kept for the next read.
      for (const block of blocks) {
        if (block.buffer.byteLength > GROUP_BYTES) freeBlock(new Uint8Array(block.buffer));
      }
      if (line !== end) {
        throw damagedIndex(`The archive's "${place.path}" does not hold as many lines as it must`);
      }
      if (line === this.#manifest.totals.entries) checkFollows(before!, this.#manifest.index[0]!);
    }
  }
}

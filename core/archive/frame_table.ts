/**
 * The table of an archive's frames, which ends a zstd archive as a skippable frame: the seek table of the zstd
 * seekable format, version 0.1.0 (facebook/zstd, contrib/seekable_format/zstd_seekable_compression_format.md).
 *
 *     5e 2a 4d 18 | length | n × (stored u32, raw u32) | n u32 | 00 | b1 ea 92 8f       all little-endian
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import type { Bytes } from "../streams/bytes.ts";
import { readU32 } from "./codec.ts";

/** The most frames that a table may hold (ZSTD_SEEKABLE_MAXFRAMES). */
const MAX_TABLE_FRAMES = 0x8000000;
/** The length of the footer that ends a table. */
export const TABLE_FOOTER_BYTES = 9;

const HEADER_BYTES = 8;
const FRAME_BYTES = 8;
const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
/** Frames a piece of the table. */
const PIECE = 8192;

/** The stored and raw lengths of frames in order, in 8 bytes of memory a frame. */
export class FrameTable {
  readonly #pieces: Uint32Array<ArrayBuffer>[] = [];
  readonly #limit: number;
  #count = 0;
  #overflow = false;

  /** @param limit The most frames; past it the table gives up: see {@linkcode FrameTable.overflow}. */
  constructor(limit = MAX_TABLE_FRAMES) {
    this.#limit = Math.min(limit, MAX_TABLE_FRAMES);
  }

  /** Whether more frames were added than the format allows, so that the table must be left out. */
  get overflow(): boolean {
    return this.#overflow;
  }

  /**
   * Adds the next frame.
   * @throws {VaultraError} `internal` when a length does not fit 32 bits
   */
  add(stored: number, raw: number): void {
    if (stored > 0xffffffff || raw > 0xffffffff) {
      throw new VaultraError(
        "internal",
        `A frame of ${stored} bytes (${raw} raw) is too long for the seek table`,
      );
    }
    if (this.#overflow || this.#count === this.#limit) {
      this.#overflow = true;
      this.#pieces.length = 0;
      this.#count = 0;
      return;
    }
    const at = this.#count % PIECE;
    if (at === 0) this.#pieces.push(new Uint32Array(PIECE * 2));
    const piece = this.#pieces[this.#pieces.length - 1]!;
    piece[at * 2] = stored;
    piece[at * 2 + 1] = raw;
    this.#count++;
  }

  /** The table as a skippable frame, in blocks of at most 64 KiB with buffers of their own. */
  *encode(): Generator<Bytes> {
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint32(0, SKIPPABLE_MAGIC, true);
    header.setUint32(4, tableLength(this.#count) - HEADER_BYTES, true);
    yield new Uint8Array(header.buffer);
    for (const [i, piece] of this.#pieces.entries()) {
      const length = Math.min(this.#count - i * PIECE, PIECE) * 2;
      const block = new DataView(new ArrayBuffer(length * 4));
      for (let k = 0; k < length; k++) block.setUint32(k * 4, piece[k]!, true);
      yield new Uint8Array(block.buffer);
    }
    const footer = new DataView(new ArrayBuffer(TABLE_FOOTER_BYTES));
    footer.setUint32(0, this.#count, true);
    footer.setUint32(5, SEEKABLE_MAGIC, true);
    yield new Uint8Array(footer.buffer);
  }
}

/**
 * The length of the table that ends an archive, by its last {@linkcode TABLE_FOOTER_BYTES} bytes; null when
 * the archive ends in no table.
 * @throws {VaultraError} `damaged.frame-table` when the table is impossible
 */
export function frameTableLength(footer: Uint8Array, archiveSize: number): number | null {
  if (footer.length !== TABLE_FOOTER_BYTES || readU32(footer, 5) !== SEEKABLE_MAGIC) return null;
  const count = readU32(footer, 0);
  if (footer[4] !== 0) throw damagedTable("it has checksums or flags that an archive's table does not have");
  if (count > MAX_TABLE_FRAMES) throw damagedTable(`it tells of ${count} frames`);
  if (tableLength(count) > archiveSize) throw damagedTable("it is longer than the archive");
  return tableLength(count);
}

function tableLength(count: number): number {
  return HEADER_BYTES + count * FRAME_BYTES + TABLE_FOOTER_BYTES;
}

function damagedTable(what: string): VaultraError {
  return new VaultraError("damaged.frame-table", `The archive's seek table is damaged: ${what}`, {
    hint: OTHER_BACKUP,
  });
}

/**
 * How many buffers a backup source may have on their way.
 *
 * Core holds an entry's buffers until the entry ends and its SHA-256 is known, so what open entries hold can't count:
 * several connections that each fill a part would wait for each other for ever. What counts are the buffers of entries that
 * have ended and are being compressed. How much open entries hold is bounded by the length of a part.
 *
 * @module
 */
import { MAX_PART_BYTES, partLimit } from "../../core/archive/format.ts";
import { CHUNK_BYTES } from "../../core/streams/bytes.ts";

/** Buffers of ended entries that may be on their way: a part of 16 MiB, and 8 so that the next one is begun meanwhile. */
export const SOURCE_WINDOW = partLimit(0) / CHUNK_BYTES + 8;

/** Entries that may be open at a time, each with one buffer that was handed out before the window was full. */
export const MAX_OPEN_ENTRIES = 64;

/** Events of a source that may wait unread. */
export const MAX_SOURCE_EVENTS = 1 << 18;

/** The most buffers of one entry. Small pieces come in buffers of their own, hence the double. */
const MAX_ENTRY_PIECES = 2 * MAX_PART_BYTES / CHUNK_BYTES;

/** Counts the pieces of open entries, on both sides of the boundary. */
export class OpenPieces {
  readonly #pieces = new Map<number, number>();
  #sum = 0;

  /** How many pieces may be on their way now. */
  get window(): number {
    return SOURCE_WINDOW + this.#sum;
  }

  /** A piece of an entry was sent. One entry's pieces count only as far as a part can be long. */
  add(stream: number): void {
    const pieces = (this.#pieces.get(stream) ?? 0) + 1;
    this.#pieces.set(stream, pieces);
    if (pieces <= MAX_ENTRY_PIECES) this.#sum++;
  }

  /** The entry ended. */
  end(stream: number): void {
    this.#sum -= Math.min(this.#pieces.get(stream) ?? 0, MAX_ENTRY_PIECES);
    this.#pieces.delete(stream);
  }
}

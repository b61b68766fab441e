import { partLimit } from "../../core/archive/format.ts";
import { CHUNK_BYTES } from "../../core/streams/bytes.ts";

/** Buffers beside the parts, so that the next part is read while the last one is taken. */
const SPARE = 8;

/** Entries that may be open at a time, each with one buffer that was handed out before the window was full. */
export const MAX_OPEN_ENTRIES = 64;

/** Events of a source that may wait unread. */
export const MAX_SOURCE_EVENTS = 1 << 18;

/**
 * Buffers that a source may have on their way: two whole parts, so that one fills while one is taken.
 * @param bytes What its largest object holds so far, which decides how long a part may be.
 */
export function sourceWindow(bytes: number): number {
  return 2 * Math.ceil(partLimit(bytes) / CHUNK_BYTES) + SPARE;
}

/** Counts the bytes of every object, on both sides of the boundary. */
export class ObjectBytes {
  readonly #bytes = new Map<number, number>();
  #largest = 0;

  /** Bytes of an object so far. */
  of(object: number): number {
    return this.#bytes.get(object) ?? 0;
  }

  /** The window for the largest object so far. */
  get window(): number {
    return sourceWindow(this.#largest);
  }

  add(object: number, bytes: number): void {
    const sum = this.of(object) + bytes;
    this.#bytes.set(object, sum);
    this.#largest = Math.max(this.#largest, sum);
  }
}

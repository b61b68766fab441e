import type { Bytes } from "../streams/bytes.ts";
import { damagedIndex } from "./index_line.ts";
import { quoteName } from "./quote_name.ts";
import type { EntryPlace } from "./range_reader.ts";
import type { RawFrame } from "./raw_frames.ts";
import type { TarEntry } from "./tar_parser.ts";

/** A frame, and the raw positions where it begins and ends. */
interface TrackedFrame extends RawFrame {
  readonly start: number;
  readonly end: number;
}

/**
 * Knows in which frames the entries of a stream stood: holds the index against it, and gives the frames' memory up as soon
 * as nobody reads it any more. The runtime would collect it too, but late.
 */
export class FrameTrack {
  readonly #isFramed: boolean;
  /** The frames since the last entry that was checked. */
  readonly #frames: TrackedFrame[] = [];
  /** The raw bytes of frames that ended before the last entry that was checked. */
  #passed: Bytes[] = [];
  #raw = 0;

  /** @param isFramed Not so of a plain tar, where a place's frames cannot be told from the bytes. */
  constructor(isFramed: boolean) {
    this.#isFramed = isFramed;
  }

  /** Takes the next frame. */
  add(frame: RawFrame): void {
    const start = this.#raw;
    this.#raw += frame.bytes.length;
    this.#frames.push({ ...frame, start, end: this.#raw });
  }

  /**
   * Checks that an entry stood where a line or a place says; in the order of the stream. The bytes of the entry before the
   * last one may be gone after it.
   * @param after Zeros after the entry that belong to its frames.
   * @throws {VaultraError} `damaged.index`
   */
  check(entry: TarEntry, place: EntryPlace, after = 0): void {
    for (const { buffer } of this.#passed) if (buffer.byteLength > 0) buffer.transfer(0);
    this.#passed = [];
    while (this.#frames.length > 0 && this.#frames[0]!.end <= entry.start) {
      this.#passed.push(this.#frames.shift()!.bytes);
    }
    const end = entry.end + after;
    const agrees = this.#isFramed
      ? this.#stoodInFrames(entry.start, end, place)
      : entry.start === place.offset + place.at && end <= place.offset + place.stored;
    if (!agrees) throw damagedIndex(`The entry ${quoteName(entry.path)} does not lie where the index says`);
  }

  #stoodInFrames(start: number, end: number, place: EntryPlace): boolean {
    const first = this.#frames[0];
    const last = this.#frames.find((frame) => frame.end >= end);
    return first !== undefined && last !== undefined && first.offset === place.offset &&
      start - first.start === place.at && last.offset + last.stored === place.offset + place.stored;
  }
}

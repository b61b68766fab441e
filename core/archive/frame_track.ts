import { damagedIndex } from "./index_line.ts";
import { quoteName } from "./quote_name.ts";
import type { EntryPlace } from "./range_reader.ts";
import type { RawFrame } from "./raw_frames.ts";
import type { TarEntry } from "./tar_parser.ts";

/** Knows in which frames the entries of a stream stood, to hold the index against it. */
export class FrameTrack {
  readonly #isFramed: boolean;
  /** The frames since the last entry that was checked, with the raw positions where they begin and end. */
  #frames: {
    readonly offset: number;
    readonly stored: number;
    readonly start: number;
    readonly end: number;
  }[] = [];
  #raw = 0;

  /** @param isFramed Not so of a plain tar, where a place's frames cannot be told from the bytes. */
  constructor(isFramed: boolean) {
    this.#isFramed = isFramed;
  }

  /** Takes the next frame. */
  add({ offset, stored, bytes }: RawFrame): void {
    if (this.#isFramed) {
      this.#frames.push({ offset, stored, start: this.#raw, end: this.#raw + bytes.length });
    }
    this.#raw += bytes.length;
  }

  /**
   * Checks that an entry stood where a line or a place says; in the order of the stream.
   * @param after Zeros after the entry that belong to its frames.
   * @throws {VaultraError} `damaged.index`
   */
  check(entry: TarEntry, place: EntryPlace, after = 0): void {
    const end = entry.end + after;
    const agrees = this.#isFramed
      ? this.#stoodInFrames(entry.start, end, place)
      : entry.start === place.offset + place.at && end <= place.offset + place.stored;
    if (!agrees) throw damagedIndex(`The entry ${quoteName(entry.path)} does not lie where the index says`);
  }

  #stoodInFrames(start: number, end: number, place: EntryPlace): boolean {
    const skipped = this.#frames.findIndex((frame) => frame.end > start);
    this.#frames = this.#frames.slice(skipped);
    const first = this.#frames[0];
    const last = this.#frames.find((frame) => frame.end >= end);
    return first !== undefined && last !== undefined && first.offset === place.offset &&
      start - first.start === place.at && last.offset + last.stored === place.offset + place.stored;
  }
}

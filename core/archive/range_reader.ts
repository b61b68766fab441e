import { VaultraError } from "../errors.ts";
import { freeBlock, once } from "../streams/blocks.ts";
import type { Bytes } from "../streams/bytes.ts";
import { checkSha256 } from "./archive_entry.ts";
import type { FrameRange } from "./codec.ts";
import type { Place } from "./format.ts";
import { damagedIndex } from "./index_line.ts";
import { GROUP_BYTES, MAX_FRAME_RAW } from "./limits.ts";
import { quoteName } from "./quote_name.ts";
import type { RangeSource } from "./range_source.ts";
import { type FrameReading, rawFrames } from "./raw_frames.ts";
import { damagedTar, paddingOf, TAR_BLOCK } from "./tar.ts";
import { type TarEntry, TarParser } from "./tar_parser.ts";

/** Where an entry lies, as an index line or a manifest tells. */
export type EntryPlace = Omit<Place, "sha256">;

/** Reads single entries of an archive, each by one range. */
export class RangeReader {
  readonly #source: RangeSource;
  readonly #reading: FrameReading;
  /** The raw bytes of the last range that was one shared frame: its other entries are often wanted next. */
  #shared: { readonly offset: number; readonly stored: number; readonly bytes: Bytes } | undefined;

  constructor(source: RangeSource, reading: FrameReading) {
    this.#source = source;
    this.#reading = reading;
  }

  /**
   * The entry at a place.
   * @throws {VaultraError} `damaged.frame`, `damaged.tar`, `damaged.index` when another entry stands there
   */
  async read(place: EntryPlace): Promise<TarEntry> {
    const frames = await this.frames(place, place.raw);
    const total = frames.reduce((sum, frame) => sum + frame.length, 0);
    const parser = new TarParser();
    let skip = place.at;
    for (const frame of frames) {
      const [entry] = parser.push(frame.subarray(Math.min(skip, frame.length)), 1);
      skip = Math.max(0, skip - frame.length);
      if (entry === undefined) continue;
      // A larger entry fills its frames; only an entry in one shared frame has neighbours.
      const fills = place.at === 0 && entry.end === total;
      if (entry.path !== place.path || entry.size !== place.raw || (frames.length > 1 && !fills)) break;
      return entry;
    }
    throw damagedIndex(`The archive does not hold ${quoteName(place.path)} where its index says`);
  }

  /**
   * The content of one of the archive's own documents.
   * @throws {VaultraError} `damaged.hash`, and what {@linkcode RangeReader.read} throws
   */
  async document(place: Place): Promise<readonly Bytes[]> {
    const { content } = await this.read(place).catch((error) => {
      throw unreadable(place.path, error);
    });
    checkSha256(content, place);
    return content;
  }

  /**
   * The raw bytes of a range of whole frames.
   * @param content Bytes of content that the range is said to hold: bounds what is read.
   */
  async frames({ offset, stored }: FrameRange, content: number): Promise<readonly Bytes[]> {
    if (this.#shared?.offset === offset && this.#shared.stored === stored) return [this.#shared.bytes];
    if (offset + stored > this.#source.size || stored > maxStored(content)) {
      throw damagedTar("The index names a place where its entry cannot lie");
    }
    const block = await this.#source.read(offset, stored);
    const frames: Bytes[] = [];
    let raw = 0;
    for await (const frame of rawFrames(once(block), this.#reading)) {
      raw += frame.bytes.length;
      if (raw > content + OVERHEAD_BYTES) {
        throw damagedTar("The archive's frames hold more than its index says");
      }
      frames.push(frame.bytes);
    }
    freeBlock(block);
    if (frames.length === 1 && raw <= GROUP_BYTES) this.#shared = { offset, stored, bytes: frames[0]! };
    return frames;
  }
}

/** An error of frames, which name nothing, with the document that was to be read of them. */
export function unreadable(path: string, error: unknown): unknown {
  if (!(error instanceof VaultraError) || error.code !== "damaged.frame") return error;
  return new VaultraError(
    error.code,
    `The archive's ${quoteName(path)} can't be read, nor what shares its frame: ${error.message}`,
    { ...(error.hint === undefined ? {} : { hint: error.hint }), cause: error },
  );
}

/** Raw bytes besides an entry's content in its frames: headers and padding, or the others of a shared frame. */
const OVERHEAD_BYTES = MAX_FRAME_RAW;

/** The most stored bytes of frames that hold an entry of so many bytes of content. */
export function maxStored(content: number): number {
  return (content + OVERHEAD_BYTES) * (1 + 1 / 64);
}

/**
 * Checks that an entry stands right after another: in the same shared frame behind it, or at the start of the next.
 * @throws {VaultraError} `damaged.index` when their ranges overlap or leave a gap
 */
export function checkFollows(before: EntryPlace, after: EntryPlace): void {
  const shares = after.offset === before.offset && after.stored === before.stored &&
    after.at >= before.at + TAR_BLOCK + before.raw + paddingOf(before.raw) && before.raw <= GROUP_BYTES;
  const adjoins = after.offset === before.offset + before.stored && after.at === 0;
  if (!shares && !adjoins) {
    throw damagedIndex(`The index puts ${quoteName(after.path)} not right after ${quoteName(before.path)}`);
  }
}

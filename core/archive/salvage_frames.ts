/**
 * Finds the frames of an archive that are whole, whatever stands between them.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { abortable } from "../streams/abortable.ts";
import { ByteWindow } from "../streams/byte_window.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import type { FrameMeter } from "./codec.ts";
import type { Compression } from "./format.ts";
import { MAX_FRAME_RAW } from "./limits.ts";
import { type FrameReading, MAX_FRAME_STORED, type RawFrame } from "./raw_frames.ts";

/** The bytes that begin a frame of data; of a plain tar those that each header holds. */
const magics: Readonly<Record<Compression, Bytes>> = {
  zstd: new Uint8Array([0x28, 0xb5, 0x2f, 0xfd]),
  gzip: new Uint8Array([0x1f, 0x8b, 8, 4]),
  none: new TextEncoder().encode("ustar\0" + "00"),
};
const MAGIC_BYTES = 4;

/** A frame that the next one, or the stream's end, follows; its bytes are kept until it is known to be whole. */
interface Likely {
  readonly offset: number;
  readonly frame: Bytes;
  readonly raw: Promise<Bytes | undefined>;
}

/** How many frames that turn out not to be whole are tried for nothing, and how many bytes buy one try more. */
const FREE_TRIES = 256;
const BYTES_A_TRY = 256 << 10;
/** What bytes cost that are no frame at a glance. */
const GLANCE = 1 / 128;

/**
 * Reads a stream of frames to its end, and yields the whole ones in order. A frame is whole when it decompresses and its
 * checksum fits. After one that is not, the next begins where it says that it ends, or, when nothing begins there,
 * at the next bytes that begin a whole frame. However many bytes only look like one, the work stays in proportion to
 * the stream's length. A stream without frames is yielded as it comes.
 */
export class FrameSalvage {
  readonly #codec: FrameReading["codec"];
  readonly #reading: FrameReading;
  readonly #window: ByteWindow;
  readonly #likely: Likely[] = [];
  #tries = FREE_TRIES;
  /** Where the skippable frame ends that was met last. */
  #skippableEnd = 0;
  #lost = 0;
  #position = 0;

  /** @param stream Read once. */
  constructor(stream: ByteStream, reading: FrameReading) {
    this.#codec = reading.codec;
    this.#reading = reading;
    this.#window = new ByteWindow(abortable(stream, reading.signal));
  }

  /** Bytes so far that belong to no whole frame. */
  get lost(): number {
    return this.#lost;
  }

  /** Bytes of the stream that were read. */
  get read(): number {
    return this.#position;
  }

  /** The whole frames, each in a buffer of its own. Iterable once. @throws what the stream throws; the signal's reason */
  async *frames(): AsyncGenerator<RawFrame, void> {
    try {
      if (this.#codec.name === "none") yield* this.#blocks();
      else yield* this.#scan(magics[this.#codec.name]);
    } finally {
      await this.#window.close();
    }
  }

  async *#blocks(): AsyncGenerator<RawFrame, void> {
    while (await this.#window.fill(1)) {
      const bytes = this.#window.bytes.slice();
      this.#advance(bytes.length);
      yield { offset: this.#position - bytes.length, stored: bytes.length, bytes };
    }
  }

  async *#scan(magic: Bytes): AsyncGenerator<RawFrame, void> {
    while (await this.#window.fill(MAGIC_BYTES)) {
      const length = beginsWith(this.#window.bytes, magic) ? await this.#length() : undefined;
      if (length !== undefined && await this.#isFollowed(length, magic)) {
        this.#push(length);
        if (this.#likely.length > this.#reading.pool.size + 1) yield* this.#settle(magic);
        continue;
      }
      while (this.#likely.length > 0) yield* this.#settle(magic);
      const whole = length === undefined ? undefined : await this.#whole(length);
      if (whole !== undefined) yield whole;
      else await this.#skip(magic);
    }
    while (this.#likely.length > 0) yield* this.#settle(magic);
    this.#lose(this.#window.bytes.length);
  }

  /** The length of the frame that seems to begin here; undefined when none of a possible length does. */
  async #length(): Promise<number | undefined> {
    if (!this.#mayTry()) return undefined;
    const meter = this.#codec.meter()!;
    while (!meter.complete && meter.length <= MAX_FRAME_STORED) {
      if (!await this.#window.fill(meter.length) || !reads(meter, this.#window.bytes, 0)) {
        this.#tries -= costOf(meter);
        return undefined;
      }
    }
    if (meter.skippable || meter.length > MAX_FRAME_STORED) return undefined;
    return await this.#window.fill(meter.length) ? meter.length : undefined;
  }

  /** Whether after so many bytes the stream ends, or another frame begins. */
  async #isFollowed(length: number, magic: Bytes): Promise<boolean> {
    await this.#window.fill(length + MAGIC_BYTES);
    const rest = this.#window.bytes.subarray(length, length + MAGIC_BYTES);
    return rest.length === 0 || beginsWith(rest, magic) || this.#isSkippable(rest);
  }

  /** Has a likely frame decompressed while the next ones are read. */
  #push(length: number): void {
    const frame = this.#window.bytes.slice(0, length);
    const raw = this.#decompress(frame.slice());
    // Awaited in order: a later one may fail while nobody waits for it yet.
    raw.catch(() => {});
    this.#likely.push({ offset: this.#position, frame, raw });
    this.#advance(length);
  }

  /** Yields the first of the likely frames; when it is not whole, whichever whole ones lie in it. */
  async *#settle(magic: Bytes): AsyncGenerator<RawFrame, void> {
    const { offset, frame, raw } = this.#likely.shift()!;
    const bytes = await raw;
    if (bytes !== undefined) {
      yield { offset, stored: frame.length, bytes };
      return;
    }
    this.#lost += frame.length;
    for (let at = indexOf(frame, magic, 1); at >= 0;) {
      const length = this.#measured(frame, at);
      const inner = length === undefined ? undefined : await this.#try(frame.slice(at, at + length));
      if (inner !== undefined) {
        this.#lost -= length!;
        yield { offset: offset + at, stored: length!, bytes: inner };
      }
      at = indexOf(frame, magic, inner === undefined ? at + 1 : at + length!);
    }
  }

  /** The length of a frame at a place in bytes that hold all of it. */
  #measured(bytes: Bytes, at: number): number | undefined {
    const meter = this.#codec.meter()!;
    if (!this.#mayTry()) return undefined;
    const isWhole = reads(meter, bytes, at) && meter.complete && !meter.skippable &&
      at + meter.length <= bytes.length;
    if (!isWhole) this.#tries -= costOf(meter);
    return isWhole ? meter.length : undefined;
  }

  /** The frame of this length that seems to begin here, if it is whole; the window then moves behind it. */
  async #whole(length: number): Promise<RawFrame | undefined> {
    const bytes = await this.#try(this.#window.bytes.slice(0, length));
    if (bytes === undefined) return undefined;
    this.#advance(length);
    return { offset: this.#position - length, stored: length, bytes };
  }

  /** Moves to the next bytes that a frame may begin with. */
  async #skip(magic: Bytes): Promise<void> {
    if (this.#position >= this.#skippableEnd && this.#isSkippable(this.#window.bytes)) await this.#passOver();
    this.#lose(1);
    while (await this.#window.fill(MAGIC_BYTES)) {
      const { bytes } = this.#window;
      const at = indexOf(bytes, magic, 0);
      this.#lose(at < 0 ? bytes.length - MAGIC_BYTES + 1 : at);
      if (at >= 0) return;
    }
  }

  /** Notes where the skippable frame ends that begins here: its bytes are no loss, and are searched all the same. */
  async #passOver(): Promise<void> {
    const meter = this.#codec.meter()!;
    while (!meter.complete && await this.#window.fill(meter.length)) {
      if (!reads(meter, this.#window.bytes, 0)) return;
    }
    if (meter.complete && meter.skippable) this.#skippableEnd = this.#position + meter.length;
  }

  #isSkippable(bytes: Bytes): boolean {
    if (this.#codec.name === "gzip") return beginsWith(bytes, magics.gzip);
    return bytes.length >= 4 && bytes[0]! >>> 4 === 5 && bytes[1] === 0x2a && bytes[2] === 0x4d &&
      bytes[3] === 0x18;
  }

  #mayTry(): boolean {
    return this.#tries + this.#position / BYTES_A_TRY >= 1;
  }

  /** What a frame holds, if it is whole and tries are left. */
  async #try(frame: Bytes): Promise<Bytes | undefined> {
    if (!this.#mayTry()) return undefined;
    const raw = await this.#decompress(frame);
    if (raw === undefined) this.#tries--;
    return raw;
  }

  async #decompress(frame: Bytes): Promise<Bytes | undefined> {
    const { codec, pool } = this.#reading;
    try {
      return await pool.decompress(codec, frame, MAX_FRAME_RAW);
    } catch (error) {
      if (isDamage(error)) return undefined;
      throw error;
    }
  }

  #lose(length: number): void {
    this.#lost += Math.max(0, length - Math.max(0, this.#skippableEnd - this.#position));
    this.#advance(length);
  }

  #advance(length: number): void {
    this.#window.drop(length);
    this.#position = this.#window.position;
  }
}

/** What it costs to measure a frame that turns out to be none: its blocks may be many and empty. */
function costOf({ length }: FrameMeter): number {
  return length > 64 << 10 ? 1 : GLANCE;
}

/** Reads on in a frame; whether it can be one. */
function reads(meter: FrameMeter, bytes: Bytes, at: number): boolean {
  try {
    meter.read(bytes, at);
    return true;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

function beginsWith(bytes: Bytes, magic: Bytes): boolean {
  return bytes.length >= magic.length && magic.every((byte, at) => bytes[at] === byte);
}

/** Where the bytes that begin a frame, or a plain tar's header holds, stand from a place on; −1 when nowhere. */
export function firstMagic(bytes: Bytes, compression: Compression, from = 0): number {
  return indexOf(bytes, magics[compression], from);
}

/** Where some bytes stand in others, from a place on; −1 when nowhere. Many times faster than Buffer's own in Deno. */
function indexOf(bytes: Bytes, wanted: Bytes, from: number): number {
  for (let at = bytes.indexOf(wanted[0]!, from); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    let same = 1;
    while (same < wanted.length && bytes[at + same] === wanted[same]) same++;
    if (same === wanted.length) return at;
  }
  return -1;
}

/** Whether an error tells of bytes that are not as they were written. */
export function isDamage(error: unknown): error is VaultraError {
  return error instanceof VaultraError && error.family === "damaged";
}

import { VaultraError } from "../errors.ts";
import { freeBlock } from "../streams/blocks.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { damagedFrame, type FrameCodec, type FrameMeter, recompressedHint } from "./codec.ts";

/** One frame of a stream. */
export interface Frame {
  /** Where the frame begins in the stream. */
  readonly offset: number;
  /** The whole frame, in a buffer of its own that may be transferred. */
  readonly bytes: Bytes;
}

/** The first buffer for a stream's frames; later ones are as long as the frame before, and a bit. */
const FIRST_BUFFER = 64 << 10;

/**
 * Splits a stream into its frames of data, leaving out those that are skippable. Each byte is copied once, or
 * twice where a frame outgrows its buffer; at most one frame is held. A stream without frames (`none`) comes
 * in pieces of `maxFrame` bytes, the last one shorter.
 *
 * @param maxFrame The longest frame that is accepted, in stored bytes.
 * @throws {VaultraError} `damaged.frame` when no frame begins where one should, or it is too long;
 * `damaged.truncated` when the stream ends within a frame
 */
export async function* splitFrames(
  stream: ByteStream,
  codec: FrameCodec,
  maxFrame: number,
): AsyncGenerator<Frame> {
  const assembly = new FrameAssembly(codec, maxFrame);
  for await (const block of stream) {
    for (let at = 0; at < block.length;) {
      at += assembly.take(block, at);
      const frame = assembly.finished();
      if (frame !== undefined) yield frame;
    }
  }
  const rest = assembly.end();
  if (rest !== undefined) yield rest;
}

/** The frame whose bytes are coming in. */
class FrameAssembly {
  readonly #codec: FrameCodec;
  readonly #maxFrame: number;
  #meter: FrameMeter | null;
  #buffer: Bytes = new Uint8Array(0);
  /** Bytes of the current frame that came; those of a skippable frame past its head are not kept. */
  #have = 0;
  #offset = 0;
  #nextBuffer = FIRST_BUFFER;

  constructor(codec: FrameCodec, maxFrame: number) {
    this.#codec = codec;
    this.#maxFrame = maxFrame;
    this.#meter = codec.meter();
  }

  /** Takes bytes that surely belong to the current frame; returns how many, at least one. */
  take(block: Bytes, at: number): number {
    const wanted = (this.#meter?.length ?? this.#maxFrame) - this.#have;
    const taken = Math.min(wanted, block.length - at);
    if (this.#meter?.skippable !== true) this.#keep(block.subarray(at, at + taken));
    this.#have += taken;
    if (this.#meter === null || this.#have < this.#meter.length || this.#meter.complete) return taken;
    try {
      this.#meter.read(this.#buffer.subarray(0, this.#have), 0);
    } catch (error) {
      throw placed(error, this.#offset);
    }
    if (this.#meter.length > this.#maxFrame && !this.#meter.skippable) {
      throw damagedFrame(
        `The frame at byte ${this.#offset} of the archive is longer than the ${this.#maxFrame} bytes that frames can be`,
        { hint: recompressedHint(this.#codec.name === "gzip" ? "gzip -dc" : "zstd -dc") },
      );
    }
    return taken;
  }

  /** The current frame when it is whole and holds data; the next one begins. */
  finished(): Frame | undefined {
    if (this.#meter === null ? this.#have < this.#maxFrame : !this.#isWhole()) return undefined;
    return this.#next();
  }

  /** What is left of a stream without frames; undefined when nothing is. */
  end(): Frame | undefined {
    if (this.#have === 0) return undefined;
    if (this.#meter === null) return this.#next();
    throw new VaultraError(
      "damaged.truncated",
      `The archive ends at byte ${this.#offset + this.#have}, in the middle of a frame`,
      { hint: "It was cut short: read another copy, or restore another backup." },
    );
  }

  #isWhole(): boolean {
    return this.#meter!.complete && this.#have === this.#meter!.length;
  }

  #next(): Frame | undefined {
    const frame = this.#meter?.skippable === true
      ? undefined
      : { offset: this.#offset, bytes: this.#buffer.subarray(0, this.#have) };
    if (frame !== undefined) {
      this.#nextBuffer = Math.max(FIRST_BUFFER, this.#have + (this.#have >>> 3));
      this.#buffer = new Uint8Array(0);
    }
    this.#offset += this.#have;
    this.#have = 0;
    this.#meter = this.#codec.meter();
    return frame;
  }

  #keep(bytes: Bytes): void {
    const needed = this.#have + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(
        Math.max(needed, Math.min(this.#maxFrame, Math.max(this.#nextBuffer, needed * 2))),
      );
      grown.set(this.#buffer.subarray(0, this.#have));
      freeBlock(this.#buffer);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#have);
  }
}

/** An error of a meter, with the place. */
function placed(error: unknown, offset: number): unknown {
  if (!(error instanceof VaultraError)) return error;
  return new VaultraError(error.code, `${error.message} (byte ${offset} of the archive)`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

import { abortable } from "../streams/abortable.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { sideBySide } from "../streams/side_by_side.ts";
import type { FrameCodec } from "./codec.ts";
import type { FramePool } from "./frame_pool.ts";
import { splitFrames } from "./frame_splitter.ts";
import { MAX_FRAME_RAW } from "./limits.ts";

/** The most stored bytes of a frame: what its raw bytes can grow by when nothing in them can be compressed. */
export const MAX_FRAME_STORED = MAX_FRAME_RAW + MAX_FRAME_RAW / 64;

/** A plain tar has no frames; it is read in pieces of this many bytes. */
const TAR_PIECE_BYTES = 1 << 20;

/** How frames are decompressed. */
export interface FrameReading {
  readonly codec: FrameCodec;
  readonly pool: FramePool;
  readonly signal: AbortSignal;
}

/** One frame's raw bytes, and where it stood in the stream. */
export interface RawFrame {
  readonly offset: number;
  readonly stored: number;
  /** In a buffer of their own. */
  readonly bytes: Bytes;
}

/**
 * The raw bytes of a stream's frames in order, decompressed side by side with a few frames' look-ahead.
 * @throws {VaultraError} `damaged.frame`, `damaged.truncated`, the signal's reason, or what the stream threw
 */
export async function* rawFrames(stream: ByteStream, reading: FrameReading): AsyncGenerator<RawFrame> {
  const { codec, pool, signal } = reading;
  const frames = splitFrames(
    abortable(stream, signal),
    codec,
    codec.name === "none" ? TAR_PIECE_BYTES : MAX_FRAME_STORED,
  );
  yield* sideBySide(frames, pool.size + 2, async ({ offset, bytes }) => {
    const stored = bytes.length;
    const raw = codec.name === "none" ? bytes : await pool.decompress(codec, bytes, MAX_FRAME_RAW);
    return { offset, stored, bytes: raw };
  });
}

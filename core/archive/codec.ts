/**
 * What a compression must be able to do for an archive: frames that are compressed, found and
 * decompressed one by one, so that a range of the archive is enough to read an entry.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import type { Bytes } from "../streams/bytes.ts";
import type { Compression } from "./format.ts";

/** A range of whole frames. */
export interface FrameRange {
  readonly offset: number;
  readonly stored: number;
}

/** A compression whose output is a sequence of independent frames. */
export interface FrameCodec {
  readonly name: Compression;
  /** The end of an archive's name: `.tar.zst`. */
  readonly extension: string;
  /** The levels that {@linkcode FrameCodec.compress} takes, whole numbers. */
  readonly levels: { readonly min: number; readonly max: number; readonly default: number };
  /**
   * Compresses `raw` to exactly one frame, in a buffer of its own.
   * @param level A whole number within {@linkcode FrameCodec.levels}.
   * @throws {VaultraError} `internal` when `raw` is too long for a frame
   */
  compress(raw: Uint8Array, level: number): Bytes;
  /**
   * Decompresses exactly one frame of data to a buffer of its own; proves its checksum, where it has one.
   * @param maxRaw The most bytes that may come out.
   * @throws {VaultraError} `damaged.frame` for anything but one whole frame of at most `maxRaw` raw bytes
   */
  decompress(frame: Uint8Array, maxRaw: number): Bytes;
  /** Measures one frame whose bytes come in piece by piece; null when the compression marks no frames. */
  meter(): FrameMeter | null;
}

/** Finds the end of one frame, with work in proportion to its blocks however its bytes arrive. */
export interface FrameMeter {
  /** So many bytes belong to the frame for certain; its whole length when {@linkcode FrameMeter.complete}. */
  readonly length: number;
  /** Whether {@linkcode FrameMeter.length} is final. */
  readonly complete: boolean;
  /** Whether the frame holds no data; known when complete. */
  readonly skippable: boolean;
  /**
   * Reads on in the frame that begins at `offset`, as far as `bytes` reach.
   * @throws {VaultraError} `damaged.frame` when this is no such frame
   */
  read(bytes: Uint8Array, offset: number): void;
}

/**
 * The length of the frame that begins at `offset`, by a new meter; null when it is not told by the bytes that are there.
 * It may reach past the end of `bytes`.
 * @throws {VaultraError} `damaged.frame` when no frame begins there
 */
export function measuredLength(meter: FrameMeter, bytes: Uint8Array, offset: number): number | null {
  meter.read(bytes, offset);
  return meter.complete ? meter.length : null;
}

/** The longest input of a frame, so that node:zlib's buffers and the seek table's 32 bits hold it: 1 GiB. */
export const MAX_RAW = 2 ** 30;

/**
 * The least `chunkSize` for node:zlib: smaller outputs lie in a buffer that others share (`Buffer.poolSize`), and this one's
 * buffer is to be cut and transferred.
 */
export const MIN_ZLIB_CHUNK = 128 << 10;

/**
 * A result of node:zlib in a buffer of exactly its length. The buffer that it came in is several times as large for data
 * that compresses well: it is given up at once, since the runtime collects such buffers late, by tens of megabytes.
 */
export function ownBytes(result: Uint8Array): Bytes {
  const { buffer, byteOffset, byteLength } = result;
  return buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength >= MIN_ZLIB_CHUNK
    ? new Uint8Array(buffer.transfer(byteLength))
    : new Uint8Array(result);
}

/** Reads 4 bytes, little-endian. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0;
}

/** The error for bytes that are no whole, sound frame. */
export function damagedFrame(
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): VaultraError {
  return new VaultraError("damaged.frame", message, {
    hint: OTHER_BACKUP,
    ...options,
  });
}

/** The hint for an archive that was unpacked and packed again by another program, which loses the frames. */
export function recompressedHint(command: string): string {
  return `The archive may have been compressed again by another program; make it a plain .tar with \`${command}\` and read that.`;
}

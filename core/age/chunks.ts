/**
 * The payload of an age file in numbers: chunks of 64 KiB, each sealed for itself.
 *
 * @module
 */
import type { Bytes } from "../streams/bytes.ts";

/** Plain bytes of every chunk but the last: 64 KiB. */
export const PLAIN_CHUNK_BYTES = 64 << 10;
/** What a chunk's authentication adds to it. */
export const TAG_BYTES = 16;
/** Sealed bytes of every chunk but the last. */
export const SEALED_CHUNK_BYTES = PLAIN_CHUNK_BYTES + TAG_BYTES;

/** Chunks that belong together: part of a payload. */
export interface ChunkRun {
  /** The payload's key, 32 bytes. */
  readonly key: Uint8Array;
  /** The number of the first chunk. */
  readonly first: number;
  /** Whether the payload ends with the run. */
  readonly last: boolean;
}

/** Chunks that were opened. */
export interface OpenedChunks {
  /** Their plain bytes; zeros where a chunk is not authentic. In a buffer of their own. */
  readonly bytes: Bytes;
  /** Which chunks are not authentic, counted from the run's first. */
  readonly damaged: readonly number[];
  /** Whether the run's last chunk is authentic, but is not the payload's last one that it should be. */
  readonly cut: boolean;
}

/** How many chunks hold so many plain bytes. An empty payload is one empty chunk. */
export function chunksOf(plain: number): number {
  return Math.max(1, Math.ceil(plain / PLAIN_CHUNK_BYTES));
}

/**
 * How many plain bytes a payload of so many sealed bytes holds. What is too short for a chunk, as can be at the end of a
 * payload that was cut, holds none.
 */
export function plainSizeOf(sealed: number): number {
  const whole = Math.floor(sealed / SEALED_CHUNK_BYTES);
  return whole * PLAIN_CHUNK_BYTES + Math.max(0, sealed % SEALED_CHUNK_BYTES - TAG_BYTES);
}

/**
 * The payload of an age file: chunks of 64 KiB, each sealed by ChaCha20-Poly1305 under its number and whether it is the
 * last (https://age-encryption.org/v1, "Payload"; the STREAM construction). Runs in the Workers of a pool.
 *
 * @module
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
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

/** Seals a run of chunks to a buffer of its own. */
export function sealChunks(plain: Bytes, { key, first, last }: ChunkRun): Bytes {
  const chunks = chunksOf(plain.length);
  const sealed = new Uint8Array(plain.length + chunks * TAG_BYTES);
  for (let chunk = 0; chunk < chunks; chunk++) {
    const nonce = nonceOf(first + chunk, last && chunk === chunks - 1);
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
    const at = chunk * PLAIN_CHUNK_BYTES;
    const ciphertext = cipher.update(plain.subarray(at, at + PLAIN_CHUNK_BYTES));
    cipher.final();
    sealed.set(ciphertext, chunk * SEALED_CHUNK_BYTES);
    sealed.set(cipher.getAuthTag(), chunk * SEALED_CHUNK_BYTES + ciphertext.length);
  }
  return sealed;
}

/** Opens a run of chunks. */
export function openChunks(sealed: Bytes, { key, first, last }: ChunkRun): OpenedChunks {
  const chunks = Math.max(1, Math.ceil(sealed.length / SEALED_CHUNK_BYTES));
  const bytes = new Uint8Array(plainSizeOf(sealed.length));
  const damaged: number[] = [];
  let cut = false;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const at = chunk * SEALED_CHUNK_BYTES;
    const block = sealed.subarray(at, at + SEALED_CHUNK_BYTES);
    const isLast = last && chunk === chunks - 1;
    let plain = openChunk(block, key, nonceOf(first + chunk, isLast));
    if (plain === null && isLast && block.length === SEALED_CHUNK_BYTES) {
      plain = openChunk(block, key, nonceOf(first + chunk, false));
      cut = plain !== null;
    }
    // Only an empty payload ends in an empty chunk.
    if (plain?.length === 0 && first + chunk > 0) plain = null;
    if (plain === null) damaged.push(chunk);
    else bytes.set(plain, chunk * PLAIN_CHUNK_BYTES);
  }
  return { bytes, damaged, cut };
}

function openChunk(sealed: Bytes, key: Uint8Array, nonce: Uint8Array): Uint8Array | null {
  if (sealed.length < TAG_BYTES) return null;
  const decipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(sealed.subarray(0, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return plain;
}

/** A chunk's nonce: its number in 11 bytes, big-endian, and 1 for the last chunk. */
function nonceOf(chunk: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(3, Math.floor(chunk / 2 ** 32));
  view.setUint32(7, chunk % 2 ** 32);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

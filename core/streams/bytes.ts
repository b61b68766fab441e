/**
 * How bytes move through Vaultra. Web streams gave way to plain async iterables and to ports between
 * Workers (docs/decisions.md): one rule of ownership, no copies that nobody asked for.
 *
 * @module
 */

/** A block of bytes with a buffer of its own, so that it can be transferred to a Worker. */
export type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Bytes in order, in blocks of any size (64 KiB and more on a hot path).
 * A block belongs to the reader until it asks for the next one: whoever keeps it longer copies it.
 */
export type ByteStream = AsyncIterable<Bytes>;

/** Bytes in one buffer that the sender of a channel lent, at most {@linkcode CHUNK_BYTES} long. */
export interface Chunk {
  /** The bytes. The buffer may be transferred onward. */
  readonly bytes: Bytes;
  /**
   * Gives the buffer back to its sender, which may then send one chunk more. Must be called exactly once.
   * @param buffer The buffer as it came back from where it was transferred to; default: `bytes.buffer`.
   */
  release(buffer?: ArrayBuffer): void;
}

/** The size of a channel's buffers: 1 MiB. */
export const CHUNK_BYTES = 1 << 20;

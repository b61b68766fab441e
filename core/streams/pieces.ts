import type { Bytes, ByteStream } from "./bytes.ts";

/** One of the equal pieces of a stream. */
export interface Piece {
  /** At the beginning of a buffer that holds nothing else. */
  readonly bytes: Bytes;
  /** Whether the stream ends with it. */
  readonly last: boolean;
}

/**
 * Cuts a stream into pieces of `size` bytes; the last one is shorter, and empty only when the stream is. Each byte is copied once.
 * @param buffer Gives a buffer of `size` bytes to fill.
 */
export async function* inPieces(
  stream: ByteStream,
  size: number,
  buffer: () => Bytes = () => new Uint8Array(size),
): AsyncGenerator<Piece, void, void> {
  let piece = buffer();
  let have = 0;
  for await (const block of stream) {
    for (let at = 0; at < block.length;) {
      // Only more bytes show that a full piece is not the last one.
      if (have === size) {
        yield { bytes: piece, last: false };
        piece = buffer();
        have = 0;
      }
      const taken = Math.min(size - have, block.length - at);
      piece.set(block.subarray(at, at + taken), have);
      have += taken;
      at += taken;
    }
  }
  yield { bytes: piece.subarray(0, have), last: true };
}

import type { Bytes, ByteStream } from "./bytes.ts";

/** One block as a stream. */
export async function* once(block: Bytes): ByteStream {
  yield await Promise.resolve(block);
}

/** The whole of some blocks: the block itself when it is the only one, else a copy of all. */
export function joinBlocks(blocks: readonly Bytes[]): Bytes;
export function joinBlocks(blocks: readonly Uint8Array[]): Uint8Array;
export function joinBlocks(blocks: readonly Uint8Array[]): Uint8Array {
  if (blocks.length === 1) return blocks[0]!;
  const whole = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}

/**
 * Copies a stream into a buffer, up to its end or to a block for which no room is left.
 * @returns How many bytes were copied: fewer than the buffer's when the stream ended before, or a block went beyond it.
 */
export async function fill(buffer: Bytes, stream: ByteStream): Promise<number> {
  let at = 0;
  for await (const block of stream) {
    if (at + block.length > buffer.length) break;
    buffer.set(block, at);
    at += block.length;
  }
  return at;
}

/**
 * Gives up the memory of a block that nobody reads any more, if its buffer holds nothing else. The runtime would collect
 * it too, but late: it lets tens of megabytes gather in every Worker.
 */
export function freeBlock(block: Bytes): void {
  if (block.byteLength > 0 && block.byteLength === block.buffer.byteLength) block.buffer.transfer(0);
}

/** Gives each block's memory up once it was taken. */
export async function* freed(stream: ByteStream): ByteStream {
  for await (const block of stream) {
    yield block;
    freeBlock(block);
  }
}

import { joinBlocks } from "./blocks.ts";
import type { Bytes, ByteStream } from "./bytes.ts";

/** The first bytes of a stream, and the stream with them. */
export interface Peeked {
  /** At least as many as were asked for, or all that there are. */
  readonly head: Bytes;
  readonly whole: ByteStream;
}

/** Looks at the first bytes of a stream. */
export async function peek(stream: ByteStream, bytes: number): Promise<Peeked> {
  const iterator = stream[Symbol.asyncIterator]();
  const blocks: Bytes[] = [];
  for (let length = 0; length < bytes;) {
    const next = await iterator.next();
    if (next.done) break;
    length += next.value.length;
    blocks.push(new Uint8Array(next.value));
  }
  const head = joinBlocks(blocks);
  async function* whole(): AsyncGenerator<Bytes> {
    yield head;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head, whole: whole() };
}

/** The stream without its first bytes. */
export async function* skip(stream: ByteStream, bytes: number): ByteStream {
  let left = bytes;
  for await (const block of stream) {
    if (left < block.length) yield block.subarray(left);
    left = Math.max(0, left - block.length);
  }
}

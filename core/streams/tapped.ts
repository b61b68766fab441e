import type { Bytes, ByteStream } from "./bytes.ts";

/** The stream, with somebody who sees each block before it is handed on. */
export async function* tapped(stream: ByteStream, onBlock: (block: Bytes) => void): ByteStream {
  for await (const block of stream) {
    onBlock(block);
    yield block;
  }
}

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "./bytes.ts";
import { peek, skip } from "./peek.ts";

/** In one buffer that is used again and again. */
async function* stream(blocks: readonly Uint8Array[]): AsyncGenerator<Bytes> {
  const buffer = new Uint8Array(30);
  for (const block of blocks) {
    buffer.set(block);
    yield await Promise.resolve(buffer.subarray(0, block.length));
    buffer.fill(0xee);
  }
}

async function bytesOf(stream: AsyncIterable<Bytes>): Promise<number[]> {
  const bytes: number[] = [];
  for await (const block of stream) bytes.push(...block);
  return bytes;
}

Deno.test("peek() shows a stream's first bytes and loses none; skip() loses just them", async () => {
  const blocks = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 });
  await fc.assert(fc.asyncProperty(blocks, fc.nat(200), async (blocks, count) => {
    const all = blocks.flatMap((block) => [...block]);
    const { head, whole } = await peek(stream(blocks), count);
    assert.ok(head.length >= Math.min(count, all.length));
    assert.deepEqual([...head], all.slice(0, head.length));
    assert.deepEqual(await bytesOf(whole), all);
    assert.deepEqual(await bytesOf(skip(stream(blocks), count)), all.slice(count));
  }));
});

import assert from "node:assert/strict";
import { fill, joinBlocks, once } from "./blocks.ts";
import type { Bytes } from "./bytes.ts";

Deno.test("once() is a stream of the one block", async () => {
  const block = new Uint8Array([1, 2]);
  const blocks = await Array.fromAsync(once(block));
  assert.equal(blocks.length, 1);
  assert.equal(blocks[0], block);
});

Deno.test("joinBlocks() gives all bytes in order, and copies nothing when there is one block", () => {
  assert.deepEqual(joinBlocks([]), new Uint8Array(0));
  const [one, two] = [new Uint8Array([1, 2]), new Uint8Array([3])];
  assert.equal(joinBlocks([one]), one);
  assert.deepEqual(joinBlocks([one, new Uint8Array(0), two]), new Uint8Array([1, 2, 3]));
});

Deno.test("fill() copies what fits of a stream, tells how much, and lets the rest go", async () => {
  let ended = 0;
  async function* stream(): AsyncGenerator<Bytes> {
    try {
      for (const bytes of [[1, 2], [], [3]]) yield await Promise.resolve(new Uint8Array(bytes));
    } finally {
      ended++;
    }
  }
  const filled = async (length: number) => {
    const buffer = new Uint8Array(length);
    return [await fill(buffer, stream()), ...buffer];
  };
  assert.deepEqual(await filled(3), [3, 1, 2, 3]);
  assert.deepEqual(await filled(4), [3, 1, 2, 3, 0]);
  assert.deepEqual(await filled(2), [2, 1, 2]);
  assert.deepEqual(await filled(1), [0, 0]);
  assert.equal(ended, 4);
});

import assert from "node:assert/strict";
import { joinBlocks, once } from "./blocks.ts";

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

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "./bytes.ts";
import { inPieces } from "./pieces.ts";

async function* stream(blocks: readonly Uint8Array[]): AsyncGenerator<Bytes> {
  for (const block of blocks) yield await Promise.resolve(new Uint8Array(block));
}

Deno.test("inPieces() cuts any stream into equal pieces and marks the last one", async () => {
  const blocks = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 });
  await fc.assert(fc.asyncProperty(blocks, fc.integer({ min: 1, max: 40 }), async (blocks, size) => {
    const pieces = await Array.fromAsync(inPieces(stream(blocks), size));
    const whole = blocks.flatMap((block) => [...block]);
    assert.deepEqual(pieces.flatMap(({ bytes }) => [...bytes]), whole);
    assert.deepEqual(pieces.map(({ last }) => last), pieces.map((_, i) => i === pieces.length - 1));
    assert.ok(pieces.slice(0, -1).every(({ bytes }) => bytes.length === size));
    assert.equal(pieces.at(-1)!.bytes.length === 0, whole.length === 0);
    assert.equal(new Set(pieces.map(({ bytes }) => bytes.buffer)).size, pieces.length);
  }));
});

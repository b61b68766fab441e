import assert from "node:assert/strict";
import { sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { openChunks, sealChunks } from "./chunk_cipher.ts";
import { chunksOf, plainSizeOf } from "./chunks.ts";

const key = new Uint8Array(32).fill(7);

Deno.test("openChunks() opens a run of chunks under its own numbers alone, far beyond 32 bits", () => {
  const plain = sampleBytes(3 * 65_536 + 9);
  for (const first of [0, 1, 2 ** 32 - 2, 2 ** 32, 2 ** 40 + 5]) {
    const sealed = sealChunks(plain.slice(), { key, first, last: true });
    assert.deepEqual(openChunks(sealed, { key, first, last: true }), {
      bytes: plain,
      damaged: [],
      cut: false,
    });
    for (const other of [first + 1, first + 2 ** 32, first % 2 ** 32 + 2 ** 33]) {
      assert.deepEqual(openChunks(sealed, { key, first: other, last: true }).damaged, [0, 1, 2, 3]);
    }
    assert.deepEqual(openChunks(sealed, { key, first, last: false }).damaged, [3]);
  }
});

Deno.test("openChunks() tells a full last chunk that is not the payload's last", () => {
  const plain = sampleBytes(2 * 65_536);
  const sealed = sealChunks(plain.slice(), { key, first: 5, last: false });
  assert.deepEqual(openChunks(sealed, { key, first: 5, last: true }), {
    bytes: plain,
    damaged: [],
    cut: true,
  });
});

Deno.test("plainSizeOf() is the size of what sealChunks() sealed", () => {
  for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const sealed = sealChunks(sampleBytes(size), { key, first: 0, last: true });
    assert.equal(plainSizeOf(sealed.length), size);
    assert.equal(sealed.length, size + 16 * chunksOf(size));
  }
});

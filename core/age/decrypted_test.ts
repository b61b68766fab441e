import assert from "node:assert/strict";
import fc from "fast-check";
import { ageEncrypt, ageKeygen } from "../../tests/fakes/age_program.ts";
import { seeded } from "../seeded.ts";
import { sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { collect, MemorySource, pipe } from "../../tests/fakes/test_archive.ts";
import { FramePool } from "../archive/frame_pool.ts";
import { VaultraError } from "../errors.ts";
import type { Bytes } from "../streams/bytes.ts";
import { SEALED_CHUNK_BYTES } from "./chunks.ts";
import { decryptedSource, decryptedStream } from "./decrypted.ts";
import { type AgeHeader, parseAgeHeader } from "./header.ts";
import { openHeader } from "./open_header.ts";
import type { OnDamage } from "./opened_stream.ts";

const pair = await ageKeygen();
const open = (header: AgeHeader) => openHeader(header, { identities: [pair.identity], passphrases: [] });
const CHUNK = 65_536;

/** Where an archive's first chunk begins. */
const startOf = (bytes: Bytes) => parseAgeHeader(bytes).bytes.length + 16;

/** What comes out of an archive read in both ways: its bytes, or the code of the error, the same in both. */
async function read(bytes: Bytes, pool: FramePool, onDamage?: OnDamage): Promise<Bytes | string> {
  const outcome = async (work: () => Promise<Bytes>) => {
    try {
      return await work();
    } catch (error) {
      assert.ok(error instanceof VaultraError, String(error));
      assert.ok(error.hint !== undefined);
      return error.code;
    }
  };
  const options = { pool, open, ...(onDamage === undefined ? {} : { onDamage }) };
  const piped = await outcome(async () =>
    await collect(await decryptedStream(pipe(bytes, seeded(5)), { pool, open }))
  );
  const ranged = await outcome(async () => {
    const source = await decryptedSource(new MemorySource(bytes), options);
    return await source.read(0, source.size);
  });
  if (onDamage === undefined) assert.deepEqual(ranged, piped);
  return ranged;
}

Deno.test("decryptedSource() reads every range as the plain bytes have it", async () => {
  await using pool = FramePool.open({ workers: 2 });
  for (const size of [1, CHUNK, 3 * CHUNK - 1, 40 * CHUNK, 41 * CHUNK + 100]) {
    const plain = sampleBytes(size, size);
    const source = await decryptedSource(new MemorySource(await ageEncrypt(plain, [pair.recipient])), {
      pool,
      open,
    });
    const near = fc.tuple(fc.nat(42), fc.integer({ min: -2, max: 2 })).map(([n, by]) => n * CHUNK + by);
    const position = fc.oneof(near, fc.nat(size)).map((at) => Math.min(Math.max(at, 0), size));
    await fc.assert(
      fc.asyncProperty(position, position, async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const expected = plain.slice(from, to);
        assert.deepEqual(await source.read(from, to - from), expected);
        assert.deepEqual(await collect(source.stream(from, to - from)), expected);
      }),
      { numRuns: 25 },
    );
    assert.deepEqual(await collect(source.stream(size >> 1)), plain.slice(size >> 1));
  }
});

Deno.test("decryptedSource() reads no more than the chunks of a range", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const stored = new MemorySource(await ageEncrypt(sampleBytes(100 * CHUNK, 1), [pair.recipient]));
  const source = await decryptedSource(stored, { pool, open });
  const before = stored.bytesRead;
  await source.read(50 * CHUNK + 10, CHUNK);
  assert.equal(stored.bytesRead - before, 2 * SEALED_CHUNK_BYTES);
});

Deno.test("decryptedSource() and decryptedStream() see a cut at every kind of place", async () => {
  await using pool = FramePool.open({ workers: 2 });
  for (const size of [0, 1, 2 * CHUNK, 2 * CHUNK + 5000, 17 * CHUNK]) {
    const bytes = await ageEncrypt(sampleBytes(size, 1), [pair.recipient]);
    const start = startOf(bytes);
    const borders = Array.from({ length: 19 }, (_, chunk) => start + chunk * SEALED_CHUNK_BYTES);
    const cuts = [0, 1, start - 17, start - 16, ...borders, bytes.length]
      .flatMap((at) => [-17, -16, -15, -1, 0, 1, 15, 16, 17].map((by) => at + by))
      .filter((at) => at >= 0 && at < bytes.length);
    for (const length of new Set(cuts)) {
      assert.equal(
        await read(bytes.slice(0, length), pool),
        "damaged.truncated",
        `${length} of ${bytes.length}`,
      );
    }
  }
});

Deno.test("decryptedSource() and decryptedStream() see every flipped bit of a small archive", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const bytes = await ageEncrypt(sampleBytes(100, 1), [pair.recipient]);
  const start = startOf(bytes);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << at % 8;
    const outcome = await read(changed, pool).catch((error) => assert.fail(`byte ${at}: ${error}`));
    // What is left of the key's stanza does not say whether it or the identity is the wrong one.
    const expected = at >= start - 16
      ? /^damaged\.truncated$/
      : /^(damaged\.(age-header|truncated)|key\.wrong-identity)$/;
    assert.match(String(outcome), expected, `byte ${at}`);
  }
});

Deno.test("decryptedSource() and decryptedStream() name the chunk that was changed, moved or added", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const plain = sampleBytes(40 * CHUNK + 100, 1);
  const bytes = await ageEncrypt(plain, [pair.recipient]);
  const start = startOf(bytes);
  const chunk = (n: number) =>
    bytes.subarray(start + n * SEALED_CHUNK_BYTES, start + (n + 1) * SEALED_CHUNK_BYTES);
  for (
    const [place, n] of [[0, 0], [SEALED_CHUNK_BYTES - 1, 0], [20 * SEALED_CHUNK_BYTES + 7, 20]] as const
  ) {
    const changed = bytes.slice();
    changed[start + place]! ^= 0x80;
    assert.equal(await read(changed, pool), "damaged.age-chunk");
    const source = await decryptedSource(new MemorySource(changed), { pool, open });
    const offset = start + n * SEALED_CHUNK_BYTES;
    await assert.rejects(collect(source.stream(0)), (error) => {
      assert.ok(error instanceof VaultraError && error.message.includes(`bytes ${offset} and`));
      return error.details?.["offset"] === offset;
    });
    // All that is sound before it came out, and what lies behind it can be read.
    const blocks: Bytes[] = [];
    await assert.rejects(async () => {
      for await (const block of source.stream(0)) blocks.push(block.slice());
    });
    const before = new Uint8Array(await new Blob(blocks).arrayBuffer());
    assert.deepEqual(before, plain.slice(0, n * CHUNK));
    assert.deepEqual(await source.read(30 * CHUNK, 1000), plain.slice(30 * CHUNK, 30 * CHUNK + 1000));
  }
  const swapped = bytes.slice();
  swapped.set(chunk(3).slice(), start + 4 * SEALED_CHUNK_BYTES);
  assert.equal(await read(swapped, pool), "damaged.age-chunk");
  const longer = new Uint8Array([...bytes, ...bytes.subarray(-100)]);
  assert.equal(await read(longer, pool), "damaged.truncated");
});

Deno.test("decryptedSource() goes on behind damage when somebody listens, with zeros for what is lost", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const plain = sampleBytes(40 * CHUNK + 100, 1).map((byte) => byte | 1);
  const bytes = await ageEncrypt(plain, [pair.recipient]);
  const start = startOf(bytes);
  const lose = async (sealed: Bytes) => {
    const lost: [number, number][] = [];
    const found = await read(sealed, pool, (offset, length) => lost.push([offset, length]));
    assert.ok(typeof found !== "string", String(found));
    const expected = plain.slice(0, found.length);
    for (const [offset, length] of lost) expected.fill(0, offset, offset + length);
    assert.deepEqual(found, expected);
    return lost;
  };
  assert.deepEqual(await lose(bytes), []);
  const changed = bytes.slice();
  for (const n of [0, 1, 15, 16, 40]) changed[start + n * SEALED_CHUNK_BYTES]! ^= 1;
  const full = [0, 1, 15, 16].map((n) => [n * CHUNK, CHUNK]);
  assert.deepEqual(await lose(changed), [...full, [40 * CHUNK, 100]]);
  assert.deepEqual(await lose(bytes.slice(0, start + 20 * SEALED_CHUNK_BYTES)), [[20 * CHUNK, 0]]);
  assert.deepEqual(await lose(bytes.slice(0, start + 20 * SEALED_CHUNK_BYTES + 10)), [[20 * CHUNK, 0]]);
  assert.deepEqual(await lose(bytes.slice(0, start + 20 * SEALED_CHUNK_BYTES + 500)), [[20 * CHUNK, 484]]);
});

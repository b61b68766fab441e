import assert from "node:assert/strict";
import { FramePool } from "../archive/frame_pool.ts";
import { seeded } from "../seeded.ts";
import { sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { collect, MemorySource, pipe } from "../../tests/fakes/test_archive.ts";
import { ageDecrypt, ageEncrypt, ageKeygen, agePassphrase } from "../../tests/fakes/age_program.ts";
import type { Bytes } from "../streams/bytes.ts";
import { once } from "../streams/blocks.ts";
import { decryptedSource, decryptedStream } from "./decrypted.ts";
import { openHeader } from "./open_header.ts";
import { sealedStream, type Sealing } from "./sealed_stream.ts";
import { type Keyring, NO_KEYS } from "../operation.ts";

const sizes = [0, 1, 65_535, 65_536, 65_537, 16 * 65_536, 16 * 65_536 + 1, 3_000_000];

async function sealed(plain: Bytes, sealing: Sealing, pool: FramePool): Promise<Bytes> {
  return await collect(sealedStream(pipe(plain, seeded(plain.length)), sealing, pool));
}

function keysOf(keys: Partial<Keyring>): Keyring {
  return { ...NO_KEYS, ...keys };
}

Deno.test("age opens what sealedStream() makes, for every recipient", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const pairs = [await ageKeygen(), await ageKeygen()];
  for (const size of sizes) {
    const plain = sampleBytes(size, 1);
    const bytes = await sealed(plain, { recipients: pairs.map(({ recipient }) => recipient) }, pool);
    for (const { identity } of pairs) {
      assert.deepEqual(await ageDecrypt(bytes, identity), plain, `${size} bytes`);
    }
  }
});

Deno.test("decryptedStream() and decryptedSource() open what age makes", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const pairs = [await ageKeygen(), await ageKeygen()];
  for (const size of sizes) {
    const plain = sampleBytes(size, 2);
    const bytes = await ageEncrypt(plain, pairs.map(({ recipient }) => recipient));
    for (const { identity } of pairs) {
      const open = (header: Parameters<typeof openHeader>[0]) =>
        openHeader(header, keysOf({ identities: [identity] }));
      assert.deepEqual(
        await collect(await decryptedStream(pipe(bytes, seeded(1)), { pool, open })),
        plain,
        `${size} bytes`,
      );
      const source = await decryptedSource(new MemorySource(bytes), { pool, open });
      assert.equal(source.size, size);
      assert.deepEqual(await source.read(0, size), plain);
      const stored: Bytes[] = [];
      assert.deepEqual(await collect(source.whole((block) => stored.push(block.slice()))), plain);
      assert.deepEqual(new Uint8Array(await new Blob(stored).arrayBuffer()), bytes);
    }
  }
});

Deno.test("age and sealedStream() open each other's files with a passphrase", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const plain = sampleBytes(100_000, 3);
  const ours = await sealed(plain, { passphrase: "correct horse", workFactor: 10 }, pool);
  assert.deepEqual(await agePassphrase("-d", ours, "correct horse"), plain);
  const theirs = await agePassphrase("-p", plain, "battery staple");
  const keys = keysOf({ ask: () => Promise.resolve("battery staple") });
  const opened = await decryptedStream(once(theirs), { pool, open: (header) => openHeader(header, keys) });
  assert.deepEqual(await collect(opened), plain);
});

import assert from "node:assert/strict";
import { ageDecrypt, ageEncrypt, ageKeygen } from "../../tests/fakes/age_program.ts";
import { seeded } from "../seeded.ts";
import { sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import {
  collect,
  comparable,
  contentsOf,
  MemorySource,
  pipe,
  testArchive,
  type TestEntry,
  testWriter,
  writeEntries,
} from "../../tests/fakes/test_archive.ts";
import { parseAgeHeader } from "../age/header.ts";
import { VaultraError } from "../errors.ts";
import type { Keyring } from "../operation.ts";
import { joinBlocks, once } from "../streams/blocks.ts";
import type { Bytes } from "../streams/bytes.ts";
import { type BackupRecord, compressions } from "./format.ts";
import { FramePool } from "./frame_pool.ts";
import { PipeReader } from "./pipe_reader.ts";
import { ArchiveReader } from "./reader.ts";

const signal = new AbortController().signal;
const pair = await ageKeygen();
const encryption = { recipients: [pair.recipient] };
const keys: Keyring = { identities: [pair.identity], passphrases: [] };
const hasCode = (code: string) => (error: unknown) => error instanceof VaultraError && error.code === code;

const entries: readonly TestEntry[] = [
  { section: "schema", name: "tables.sql", content: new TextEncoder().encode("CREATE TABLE a;\n") },
  { section: "data", name: "users", object: 1, content: sampleBytes(300_000, 1), rows: 10 },
  { section: "data", name: "large", object: 2, content: sampleBytes(9_000_000, 2), rows: 3 },
  { section: "data", name: "users", object: 1, content: sampleBytes(10, 3), rows: 1 },
];

for (const compression of compressions) {
  Deno.test(`an encrypted archive is read in every way as the plain one is (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record, totals } = await testArchive(pool, compression, entries, { encryption });
    assert.equal(totals.size, bytes.length);
    const plain = await ageDecrypt(bytes, pair.identity);
    const unsealed = await ArchiveReader.open(new MemorySource(plain), { pool, signal });
    const expected = entries.map(comparable);
    assert.deepEqual(await contentsOf(unsealed.stream()), expected);

    for (const known of [{}, { record }]) {
      const reader = await ArchiveReader.open(new MemorySource(bytes), { pool, signal, keys, ...known });
      assert.deepEqual(reader.manifest, unsealed.manifest);
      assert.deepEqual(await contentsOf(reader.stream()), expected);
      assert.deepEqual(await reader.verify(), { size: bytes.length, sha256: record.archive.sha256 });
      for await (const line of reader.entries()) {
        const [ours, theirs] = await Promise.all([reader.read(line), unsealed.read(line)]);
        assert.deepEqual(joinBlocks([...ours.bytes]), joinBlocks([...theirs.bytes]));
      }
    }
    await using piped = await PipeReader.open(pipe(bytes, seeded(8)), { pool, signal, keys });
    assert.deepEqual(await contentsOf(piped.entries()), expected);
  });
}

Deno.test("an archive is refused that is encrypted though its record says otherwise, the reverse, or twice", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const encrypted = await testArchive(pool, "zstd", entries, { encryption });
  const plain = await testArchive(pool, "zstd", entries);
  const open = (bytes: Bytes, record: BackupRecord) =>
    ArchiveReader.open(new MemorySource(bytes), {
      pool,
      signal,
      keys,
      record: { ...record, archive: { ...record.archive, size: bytes.length } },
    });
  await assert.rejects(open(encrypted.bytes, plain.record), hasCode("damaged.not-an-archive"));
  await assert.rejects(open(plain.bytes, encrypted.record), hasCode("damaged.not-an-archive"));
  const twice = await ageEncrypt(encrypted.bytes, [pair.recipient]);
  await assert.rejects(open(twice, encrypted.record), hasCode("damaged.not-an-archive"));
  await assert.rejects(
    PipeReader.open(once(twice), { pool, signal, keys }),
    hasCode("damaged.not-an-archive"),
  );
});

Deno.test("every changed byte of an encrypted archive is found, and no cut of it is taken for whole", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const small: TestEntry[] = [{ section: "data", name: "a", object: 1, content: sampleBytes(500, 1) }];
  const { bytes, record } = await testArchive(pool, "zstd", small, { encryption });
  const payload = parseAgeHeader(bytes).bytes.length;
  const read = async (bytes: Bytes, known: { record?: BackupRecord }) => {
    const reader = await ArchiveReader.open(new MemorySource(bytes), { pool, signal, keys, ...known });
    await reader.verify();
  };
  const piped = async (bytes: Bytes) => {
    await using reader = await PipeReader.open(pipe(bytes, seeded(1)), { pool, signal, keys });
    await contentsOf(reader.entries());
  };
  const codes = (allowed: RegExp, title: string) => (error: unknown) => {
    assert.ok(error instanceof VaultraError, `${title}: ${error}`);
    assert.match(error.code, allowed, `${title}: ${error.message}`);
    return true;
  };
  for (let at = 0; at < bytes.length; at += at < 400 ? 1 : 7) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << at % 8;
    // With it, nothing that was changed in the payload looks like a cut.
    const known = at < payload ? /^damaged\./ : /^damaged\.age-chunk$/;
    await assert.rejects(read(changed, { record }), codes(known, `byte ${at}`));
    // Without its record, a stanza that was changed looks like one for another identity.
    await assert.rejects(read(changed, {}), codes(/^damaged\.|^key\.wrong-identity$/, `byte ${at}`));
    await assert.rejects(piped(changed), codes(/^damaged\.|^key\.wrong-identity$/, `byte ${at}`));
  }
  for (let length = 0; length < bytes.length; length += length < 400 ? 1 : 7) {
    const cut = bytes.slice(0, length);
    const expected = codes(length < 22 ? /^damaged\./ : /^damaged\.truncated$/, `${length} bytes`);
    await assert.rejects(read(cut, { record }), expected);
    await assert.rejects(read(cut, {}), expected);
    await assert.rejects(piped(cut), expected);
  }
});

Deno.test("ArchiveWriter fails on both sides when a recipient is none, a Worker stops, or the run is aborted", async () => {
  const large: TestEntry[] = [{ section: "data", name: "a", object: 1, content: sampleBytes(16 << 20, 1) }];
  const attempt = async (writer: ReturnType<typeof testWriter>, code: string) => {
    const output = collect(writer.output);
    const written = (async () => {
      await writeEntries(writer, large);
      await writer.finish({ stop: "", objects: [] }, new Date());
    })();
    const outcomes = await Promise.allSettled([output, written]);
    for (const outcome of outcomes) {
      assert.equal(outcome.status, "rejected");
      assert.equal((outcome as PromiseRejectedResult).reason.code, code);
    }
  };
  {
    await using pool = FramePool.open({ workers: 2 });
    const nobody = { recipients: ["age1nobody"] };
    await attempt(testWriter(pool, "none", { encryption: nobody }), "config.recipient");
  }
  {
    const module = "data:application/javascript,onmessage = () => { throw new Error('broken'); }";
    await using pool = FramePool.open({ workers: 2, module });
    await attempt(testWriter(pool, "none", { encryption }), "internal.frame-worker");
  }
  {
    const controller = new AbortController();
    await using pool = FramePool.open({ workers: 2, signal: controller.signal });
    const writer = testWriter(pool, "none", { encryption, signal: controller.signal });
    setTimeout(() => controller.abort(new VaultraError("terminated", "Terminated")));
    await attempt(writer, "terminated");
  }
});

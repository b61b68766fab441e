/**
 * What a reader promises (docs/archive-format.md): archives that were damaged, or forged by someone who knows the
 * format, are refused with a clear sentence, in bounded time and memory, and hand out no wrong byte before that.
 *
 * @module
 */
import assert from "node:assert/strict";
import { compressions } from "../../core/archive/format.ts";
import { FramePool } from "../../core/archive/frame_pool.ts";
import { VaultraError } from "../../core/errors.ts";
import { forge, soundEntries } from "../fakes/forged_archive.ts";
import { checkError, inTime, readArchive, type ReadEntry, ways } from "../fakes/read_archive.ts";
import { concat, pipeThrough, sampleBytes, sha256 } from "../fakes/sample_bytes.ts";
import { hostileContents } from "./hostile_contents.ts";
import { hostileFrames } from "./hostile_frames.ts";

/** What the sound archive holds, by path. */
function soundContent(): Map<string, Partial<ReadEntry>> {
  return new Map(
    soundEntries().map(({ path, content, object, rows, continues }) => [path, {
      path,
      name: object ?? path.split("/")[1]!,
      rows: rows ?? 0,
      continues: continues ?? false,
      raw: content.length,
      sha256: sha256(content),
    }]),
  );
}

for (const compression of compressions) {
  Deno.test(`a sound ${compression} archive is read in every way`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record } = forge({ compression });
    for (const way of ways) {
      const { entries, error } = await readArchive(bytes, way, { pool, record });
      assert.equal(error, undefined, `${way}: ${error instanceof Error ? error.stack : error}`);
      assert.deepEqual(entries.map(({ path }) => path), soundEntries().map(({ path }) => path), way);
      for (const entry of entries) {
        assert.deepEqual({ ...entry, ...soundContent().get(entry.path) }, entry, way);
      }
    }
  });

  Deno.test(`a hostile ${compression} archive is refused`, async (t) => {
    await using pool = FramePool.open({ workers: 2 });
    for (const row of [...hostileFrames, ...hostileContents]) {
      if (row.only?.includes(compression) === false) continue;
      await t.step(`that ${row.name}`, async () => {
        const lies = typeof row.lies === "function" ? row.lies(compression) : row.lies;
        const { bytes, record } = forge({ compression, ...lies });
        const before = Deno.memoryUsage().rss;
        for (const way of ways) {
          const title = `${way} of ${compression} that ${row.name}`;
          const { entries, error } = await inTime(readArchive(bytes, way, { pool, record }), title);
          if (row.unseen?.includes(way) === true) {
            assert.equal(error, undefined, title);
            assert.equal(entries.length, soundEntries().length, title);
          } else {
            assert.notEqual(error, undefined, `${title}: was read`);
            checkError(error, row, title);
          }
        }
        assert.ok(Deno.memoryUsage().rss - before < 400 << 20, "took more than 400 MiB of memory");
      });
    }
  });
}

Deno.test("a file that is no archive is refused", async (t) => {
  await using pool = FramePool.open({ workers: 1 });
  const tar = await pipeThrough(
    ["tar", "-cf", "-", "-P", "--format=pax", import.meta.filename!],
    new Uint8Array(0),
  );
  const noise = sampleBytes(50_000);
  const foreign: Record<string, Uint8Array> = {
    "noise": noise,
    "text": new TextEncoder().encode("-- PostgreSQL database dump\n".repeat(100)),
    "zeros": new Uint8Array(50_000),
    "an SQLite database": concat([new TextEncoder().encode("SQLite format 3\0"), noise]),
    "a zip file": concat([Uint8Array.of(0x50, 0x4b, 3, 4), noise]),
    "another tar": tar,
    "another tar.zst": await pipeThrough(["zstd", "-c"], tar),
    "another tar.gz": await pipeThrough(["gzip", "-c"], tar),
    "compressed noise": await pipeThrough(["zstd", "-c"], noise),
    "the beginning of a frame": Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd),
  };
  for (const [name, bytes] of Object.entries(foreign)) {
    await t.step(name, async () => {
      for (const way of ways) {
        const { record } = forge();
        record.archive.size = bytes.length;
        const { error } = await readArchive(concat([bytes]), way, { pool, record });
        checkError(error, {}, `${way} of ${name}`);
      }
    });
  }
  await t.step("an encrypted archive", async () => {
    const encrypted = {
      "age-encryption.org/v1\n-> X25519 abc\n": "damaged.truncated",
      "age-encryption.org/v1\n--- abc\n": "damaged.age-header",
      "-----BEGIN AGE ENCRYPTED FILE-----\n": "usage.age-armored",
    };
    for (const [text, code] of Object.entries(encrypted)) {
      for (const way of ["address", "pipe"] as const) {
        const { error } = await readArchive(new TextEncoder().encode(text), way, { pool, record: undefined });
        checkError(error, { code }, way);
      }
    }
  });
});

Deno.test("an archive that another program compressed again is read from a pipe once it is a plain tar", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const large = { ...soundEntries()[3]!, content: sampleBytes(9 << 20, 5), pieces: [2 << 20] };
  for (const compression of ["zstd", "gzip"] as const) {
    const { bytes, record } = forge({ compression, entries: (entries) => entries.with(3, large) });
    const tar = await pipeThrough([compression, "-dc"], bytes);
    const again = await pipeThrough([compression, "-c"], tar);
    for (const way of ways) {
      const { error } = await readArchive(again, way, { pool, record });
      checkError(error, {}, `${way} of ${compression}`);
    }
    const { error } = await readArchive(again, "pipe", { pool, record });
    assert.match((error as VaultraError).hint ?? "", new RegExp(`${compression} -dc`));
    const { entries, error: none } = await readArchive(tar, "pipe", { pool, record });
    assert.equal(none, undefined);
    assert.equal(entries.length, soundEntries().length);
  }
});

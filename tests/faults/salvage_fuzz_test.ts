/**
 * Bytes that no writer of archives wrote: whatever they are, salvage ends soon, hands out nothing whose hash does not fit,
 * and fails only with an error that says what is wrong.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { codecNamed } from "../../core/archive/codecs.ts";
import { type Compression, compressions } from "../../core/archive/format.ts";
import { FramePool } from "../../core/archive/frame_pool.ts";
import { SalvageReader } from "../../core/archive/salvage_reader.ts";
import { encodeEntryHeader } from "../../core/archive/tar.ts";
import { VaultraError } from "../../core/errors.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { inTime } from "../fakes/read_archive.ts";
import { concat, inBlocks, sampleBytes, sha256 } from "../fakes/sample_bytes.ts";
import { seeded } from "../../core/seeded.ts";
import { testArchive } from "../fakes/test_archive.ts";

const { signal } = new AbortController();

/** What salvage hands out of some bytes: `path hash` of each entry, its hash compared. */
async function salvaged(pool: FramePool, bytes: Bytes, compression: Compression): Promise<string[]> {
  const titles: string[] = [];
  try {
    const reader = await SalvageReader.open(inBlocks(bytes, [65_536, 7]), { pool, signal, compression });
    for await (const entry of reader.entries()) {
      assert.equal(sha256(...entry.bytes), entry.sha256);
      titles.push(`${entry.path} ${entry.sha256}`);
    }
    const { inventory } = reader;
    inventory.objects();
    for (const { object } of inventory.objects()) inventory.layout("data", object);
  } catch (error) {
    assert.ok(error instanceof VaultraError && error.family === "damaged", String(error));
  }
  return titles;
}

Deno.test("salvage ends with an error or without any, whatever bytes it is given", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const begins: Record<Compression, Uint8Array> = {
    zstd: codecNamed("zstd").compress(sampleBytes(700), 1),
    gzip: codecNamed("gzip").compress(sampleBytes(700), 1),
    none: tarHeader(100),
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...compressions),
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 600 }), fc.constant(null)), { maxLength: 8 }),
      async (compression, pieces) => {
        const bytes = concat(pieces.map((piece) => piece ?? begins[compression]));
        assert.deepEqual(await salvaged(pool, bytes, compression), []);
      },
    ),
    { numRuns: 300, seed: 1 },
  );
});

for (const compression of compressions) {
  Deno.test(`salvage hands out nothing but the backup's own parts, whatever was damaged (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const entries = [1, 2, 3, 4, 5, 6].map((object) => ({
      section: "data" as const,
      name: `table ${object}`,
      object,
      rows: 1,
      content: object === 3 && compression !== "none"
        ? new Uint8Array(2_200_000).fill(3)
        : sampleBytes(object * 900, object),
    }));
    const { bytes } = await testArchive(pool, compression, entries);
    const own = new Set(await salvaged(pool, bytes, compression));
    assert.equal(own.size, entries.length);
    const random = seeded(11);
    const below = (bound: number) => Math.floor(random() * bound);
    for (let run = 0; run < 200; run++) {
      let damaged = bytes;
      for (let n = 1 + below(3); n > 0; n--) {
        const [from, to] = [below(damaged.length), below(damaged.length)].sort((a, b) => a - b) as [
          number,
          number,
        ];
        const copy = damaged.slice();
        switch (below(6)) {
          case 0:
            copy[from]! ^= 1 << below(8);
            damaged = copy;
            break;
          case 1:
            damaged = copy.fill(below(256), from, Math.min(to, from + 700));
            break;
          case 2:
            damaged = concat([copy.subarray(0, from), copy.subarray(to)]);
            break;
          case 3:
            damaged = concat([copy.subarray(0, to), copy.subarray(from)]);
            break;
          case 4:
            damaged = concat([copy.subarray(0, from), sampleBytes(1 + below(900), run), copy.subarray(from)]);
            break;
          default:
            damaged = concat([copy.subarray(to), copy.subarray(from, to), copy.subarray(0, from)]);
        }
        if (damaged.length === 0) break;
      }
      const found = await inTime(salvaged(pool, damaged, compression), `run ${run}`);
      assert.deepEqual(found.filter((title) => !own.has(title)), [], `run ${run}`);
      assert.equal(new Set(found).size, found.length, `run ${run}`);
    }
  });
}

/** A header, and the pax header before it, of a part that claims `size` bytes. */
function tarHeader(size: number, part = 0): Bytes {
  const target = new Uint8Array(4096);
  const pax = { object: "t", part, rows: 1, sha256: "0".repeat(64) };
  const path = `data/000001.t/${String(part).padStart(8, "0")}`;
  return target.slice(0, encodeEntryHeader(target, { path, size, modified: 1, pax }));
}

/** What looks like an archive at every few bytes, and is none anywhere. */
const floods: Readonly<Record<string, readonly [Compression, () => Bytes]>> = {
  "bytes that begin zstd frames": ["zstd", () => repeated(new Uint8Array([0x28, 0xb5, 0x2f, 0xfd]), 8 << 20)],
  "zstd frames of 4 MiB within each other": ["zstd", () => {
    // A frame without a size and with a window of 8 MiB, whose raw blocks hold the beginnings of more such frames.
    const header = [0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0x00, 0x00, 0x10];
    return repeated(new Uint8Array([...header, ...new Array(7).fill(0)]), 8 << 20);
  }],
  "gzip members of 4 MiB within each other": ["gzip", () => {
    const member = codecNamed("gzip").compress(sampleBytes(16), 1).slice(0, 20);
    new DataView(member.buffer).setUint32(16, 4 << 20, true);
    // A stored block of 65,535 bytes.
    return repeated(concat([member, new Uint8Array([0, 0xff, 0xff, 0, 0])]), 8 << 20);
  }],
  "headers of parts of 256 MiB": ["none", () => repeated(tarHeader(256 << 20), 8 << 20)],
  "headers of parts of 4 MiB": ["none", () => repeated(tarHeader(4 << 20), 8 << 20)],
  "frames of nothing but such headers": ["zstd", () => {
    const frame = codecNamed("zstd").compress(repeated(tarHeader(64 << 20), 4 << 20), 1);
    return repeated(frame, frame.length * 40);
  }],
};

for (const [what, [compression, make]] of Object.entries(floods)) {
  Deno.test(`salvage comes to the end of ${what} soon`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    assert.deepEqual(await inTime(salvaged(pool, make(), compression), what), []);
  });
}

function repeated(bytes: Uint8Array, length: number): Bytes {
  const whole = new Uint8Array(length);
  for (let at = 0; at < length; at += bytes.length) {
    whole.set(bytes.subarray(0, Math.min(bytes.length, length - at)), at);
  }
  return whole;
}

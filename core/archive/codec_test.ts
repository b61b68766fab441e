/** What holds for every codec, judged by the tools of others where they can. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { concat, pipeThrough, sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { VaultraError } from "../errors.ts";
import { type FrameCodec, measuredLength } from "./codec.ts";
import { encodeGzipTrailer } from "./codec_gzip.ts";
import { codecNamed, recognize } from "./codecs.ts";
import { FrameTable } from "./frame_table.ts";

const zstd = codecNamed("zstd");
const gzip = codecNamed("gzip");
const none = codecNamed("none");
const source = sampleBytes(70_001);

function* sizes(): Generator<number> {
  for (let size = 0; size <= 2000; size++) yield size;
  for (let size = 2001; size <= 70_000; size += 487) yield size;
  // Around the sizes where node:zlib's buffers and zstd's blocks end.
  for (const size of [16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 70_000]) yield size;
}

const isDamaged = (error: unknown) => error instanceof VaultraError && error.code === "damaged.frame";

/** The length of the first frame; a compression that marks none has one. */
function lengthOf(codec: FrameCodec, bytes: Uint8Array): number | null {
  const meter = codec.meter();
  return meter === null ? bytes.length : measuredLength(meter, bytes, 0);
}

for (const codec of [zstd, gzip, none]) {
  Deno.test(`${codec.name}: compress() makes one frame of every size, decompress() gives the bytes back`, () => {
    for (const size of sizes()) {
      const raw = source.subarray(0, size);
      const frame = codec.compress(raw, codec.levels.default);
      assert.equal(lengthOf(codec, frame), frame.length, `${size} bytes are not one frame`);
      assert.ok(Buffer.compare(codec.decompress(frame, size), raw) === 0, `${size} bytes came back changed`);
    }
  });

  Deno.test(`${codec.name}: compress() takes every level`, () => {
    for (let level = codec.levels.min; level <= codec.levels.max; level++) {
      for (const size of [0, 1, 4096, 70_000]) {
        const raw = source.subarray(0, size);
        const frame = codec.compress(raw, level);
        assert.equal(lengthOf(codec, frame), frame.length);
        assert.deepEqual(codec.decompress(frame, 70_000), raw);
      }
    }
  });

  Deno.test(`${codec.name}: compress() and decompress() return buffers that can be transferred alone`, () => {
    for (const size of [0, 1, 100, 5000, 70_000]) {
      const frame = codec.compress(source.subarray(0, size), codec.levels.default);
      const raw = codec.decompress(frame, 70_000);
      structuredClone(raw, { transfer: [raw.buffer] });
      assert.equal(codec.decompress(frame, 70_000).length, size);
    }
    assert.equal(source.length, 70_001);
  });

  Deno.test(`${codec.name}: decompress() refuses more than maxRaw bytes`, () => {
    const frame = codec.compress(source.subarray(0, 5000), codec.levels.default);
    assert.throws(() => codec.decompress(frame, 4999), isDamaged);
    assert.equal(codec.decompress(frame, 5000).length, 5000);
    const bomb = codec.compress(new Uint8Array(8 << 20), codec.levels.max);
    assert.throws(() => codec.decompress(bomb, 1 << 20), isDamaged);
  });
}

const multiBlock = sampleBytes(300_000);

for (const codec of [zstd, gzip]) {
  Deno.test(`${codec.name}: every truncation of a frame is refused`, () => {
    const small = codec.compress(source.subarray(0, 700), codec.levels.default);
    for (let length = 0; length < small.length; length++) {
      assert.throws(
        () => codec.decompress(small.subarray(0, length), 70_000),
        isDamaged,
        `cut to ${length} bytes`,
      );
    }
    const large = codec.compress(multiBlock, 1);
    for (let length = 0; length < large.length; length += length > large.length - 50 ? 1 : 37) {
      assert.throws(
        () => codec.decompress(large.subarray(0, length), 1 << 20),
        isDamaged,
        `cut to ${length} bytes`,
      );
    }
  });

  Deno.test(`${codec.name}: a frame with bytes after it is refused`, () => {
    const frame = codec.compress(source.subarray(0, 700), codec.levels.default);
    for (const rest of [[0], [1, 2, 3, 4, 5, 6, 7, 8], frame]) {
      assert.throws(() => codec.decompress(concat([frame, Uint8Array.from(rest)]), 70_000), isDamaged);
    }
  });

  Deno.test(`${codec.name}: no flipped bit of a frame yields other bytes`, () => {
    const raw = source.subarray(0, 300);
    const frame = codec.compress(raw, codec.levels.default);
    let same = 0;
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = frame.slice();
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      try {
        const found = codec.decompress(flipped, 70_000);
        assert.ok(Buffer.compare(found, raw) === 0, `bit ${bit} flipped gave other bytes`);
        same++;
      } catch (error) {
        assert.ok(isDamaged(error), String(error));
      }
    }
    // Bits that say nothing about the data: gzip's time and system, unused ones of zstd's header and literals.
    assert.ok(same < 100, `${same} flipped bits went unnoticed`);
  });

  Deno.test(`${codec.name}: measuredLength() asks for more bytes and refuses a foreign start`, () => {
    const frame = codec.compress(source.subarray(0, 700), codec.levels.default);
    assert.equal(measuredLength(codec.meter()!, frame.subarray(0, 4), 0), null);
    assert.equal(measuredLength(codec.meter()!, concat([new Uint8Array(3), frame]), 3), frame.length);
    for (const bytes of [new Uint8Array(600), Uint8Array.from(Array(600).keys())]) {
      assert.throws(() => measuredLength(codec.meter()!, bytes, 0), isDamaged);
      assert.throws(() => codec.decompress(bytes, 1000), isDamaged);
    }
  });
}

Deno.test("concatenated frames with the archive's end are read by zstd and gzip", async () => {
  const parts = [0, 1, 999, 16_384, 70_000].map((size) => source.subarray(0, size));
  const table = new FrameTable();
  const end: Record<string, () => Uint8Array> = {
    zstd: () => concat([...table.encode()]),
    gzip: () => encodeGzipTrailer({ offset: 0, stored: 1 }),
  };
  for (const codec of [zstd, gzip]) {
    const frames = parts.map((part) => codec.compress(part, codec.levels.default));
    if (codec === zstd) frames.forEach((frame, i) => table.add(frame.length, parts[i]!.length));
    const archive = concat([...frames, end[codec.name]!()]);
    await pipeThrough([codec.name, "-t"], archive);
    assert.deepEqual(await pipeThrough([codec.name, "-dc"], archive), concat(parts));
    if (codec === zstd) await pipeThrough(["zstd", "-dc", "--single-thread"], archive);
  }
});

Deno.test("recognize() tells compressions, age and tar by their first bytes", async () => {
  const tar = await pipeThrough(
    ["tar", "-cf", "-", "-P", "--format=pax", import.meta.filename!],
    new Uint8Array(0),
  );
  assert.equal(recognize(tar), "none");
  assert.equal(recognize(zstd.compress(tar, 3)), "zstd");
  assert.equal(recognize(gzip.compress(tar, 6)), "gzip");
  assert.equal(recognize(new TextEncoder().encode("age-encryption.org/v1\n-> X25519 ")), "age");
  assert.equal(recognize(new TextEncoder().encode("-----BEGIN AGE ENCRYPTED FILE-----\n")), "age-armored");
  assert.equal(recognize(new TextEncoder().encode("SQLite format 3")), undefined);
  assert.equal(recognize(new Uint8Array(0)), undefined);
});

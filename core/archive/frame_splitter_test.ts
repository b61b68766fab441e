import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, inBlocks, sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { VaultraError } from "../errors.ts";
import type { Bytes } from "../streams/bytes.ts";
import type { FrameCodec } from "./codec.ts";
import { encodeGzipTrailer } from "./codec_gzip.ts";
import { codecNamed } from "./codecs.ts";
import { type Frame, splitFrames } from "./frame_splitter.ts";
import { FrameTable } from "./frame_table.ts";

const MAX_FRAME = 1 << 20;
const zstd = codecNamed("zstd");
const gzip = codecNamed("gzip");
const source = sampleBytes(400_000);
const parts = [0, 1, 30_000, 7, 250_000, 119_992].map((size, i) => source.subarray(i, i + size));

/** An archive's end: a skippable zstd frame, or a trailing member. */
function endOf(codec: FrameCodec): Bytes {
  if (codec === gzip) return encodeGzipTrailer({ offset: 0, stored: 1 });
  const table = new FrameTable();
  for (let i = 0; i < 3000; i++) table.add(1, 1);
  return concat([...table.encode()]);
}

async function split(
  codec: FrameCodec,
  bytes: Bytes,
  lengths: readonly number[],
  max = MAX_FRAME,
): Promise<Frame[]> {
  return await Array.fromAsync(splitFrames(inBlocks(bytes, lengths), codec, max));
}

for (const codec of [zstd, gzip]) {
  const frames = parts.map((part) => codec.compress(part, 1));
  const archive = concat([...frames.slice(0, 3), endOf(codec), ...frames.slice(3), endOf(codec)]);
  const first = concat(frames.slice(0, 3)).length;
  const offsets = frames.map((_, i) =>
    concat(frames.slice(0, i)).length + (i >= 3 ? endOf(codec).length : 0)
  );

  Deno.test(`splitFrames() finds ${codec.name} frames in blocks of any sizes`, async () => {
    const lengths = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 200_000 })),
      {
        minLength: 1,
        maxLength: 20,
      },
    );
    await fc.assert(
      fc.asyncProperty(lengths, async (lengths) => {
        const found = await split(codec, archive, lengths);
        assert.deepEqual(found.map(({ offset }) => offset), offsets);
        for (const [i, { bytes }] of found.entries()) assert.deepEqual(bytes, frames[i]);
      }),
      { seed: 20_261_124, numRuns: 40 },
    );
  });

  Deno.test(`splitFrames() gives every ${codec.name} frame a buffer of its own`, async () => {
    for await (const { bytes } of splitFrames(inBlocks(archive, [100_000]), codec, MAX_FRAME)) {
      structuredClone(bytes, { transfer: [bytes.buffer] });
    }
  });

  Deno.test(`splitFrames() refuses a ${codec.name} stream that ends within a frame`, async () => {
    const whole = new Set([0, archive.length, first, first + endOf(codec).length, ...offsets]);
    for (let length = 0; length < archive.length; length += length < first ? 1 : 997) {
      const cut = split(codec, archive.subarray(0, length), [5000]);
      if (whole.has(length)) await cut;
      else await assert.rejects(cut, { code: "damaged.truncated" }, `cut to ${length} bytes`);
    }
  });

  Deno.test(`splitFrames() refuses ${codec.name} frames longer than the limit, and foreign bytes with their place`, async () => {
    await assert.rejects(split(codec, archive, [5000], 20_000), {
      code: "damaged.frame",
      message: /longer than the 20000/,
    });
    const foreign = concat([frames[2]!, source.subarray(0, 100)]);
    await assert.rejects(
      split(codec, foreign, [5000]),
      (error) =>
        error instanceof VaultraError && error.code === "damaged.frame" &&
        error.message.includes(`byte ${frames[2]!.length} `),
    );
  });
}

Deno.test("splitFrames() passes over a skippable frame of any length without keeping it", async () => {
  const skippable = new Uint8Array(MAX_FRAME * 3);
  skippable.set([0x50, 0x2a, 0x4d, 0x18]);
  new DataView(skippable.buffer).setUint32(4, skippable.length - 8, true);
  const frame = zstd.compress(source, 1);
  assert.deepEqual(await split(zstd, concat([skippable, frame]), [70_000]), [{
    offset: skippable.length,
    bytes: frame,
  }]);
});

Deno.test("splitFrames() reads a frame of very many blocks in small pieces", async () => {
  const empty = 100_000;
  const frame = new Uint8Array(6 + empty * 3 + 3);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]);
  frame[frame.length - 3] = 1;
  assert.deepEqual(await split(zstd, frame, [1, 2, 3]), [{ offset: 0, bytes: frame }]);
});

Deno.test("splitFrames() cuts a plain tar to pieces of the limit", async () => {
  const found = await split(codecNamed("none"), source, [33_333], 150_000);
  assert.deepEqual(found.map(({ offset, bytes }) => [offset, bytes.length]), [[0, 150_000], [
    150_000,
    150_000,
  ], [
    300_000,
    100_000,
  ]]);
  assert.deepEqual(concat(found.map(({ bytes }) => bytes)), source);
  assert.deepEqual(await split(codecNamed("none"), new Uint8Array(0), [1]), []);
});

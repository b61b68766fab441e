import assert from "node:assert/strict";
import { concat, pipeThrough, sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { VaultraError } from "../errors.ts";
import { zstdCodec } from "./codec_zstd.ts";

const damaged = (message: RegExp) => (error: unknown) =>
  error instanceof VaultraError && error.code === "damaged.frame" && message.test(error.message);

/** The content of a file of several frames, decompressed one by one. */
function decompressAll(file: Uint8Array, maxRaw: number): Uint8Array {
  const raw: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    const meter = zstdCodec.meter()!;
    meter.read(file, at);
    assert.ok(meter.complete);
    const frame = file.subarray(at, at + meter.length);
    if (!meter.skippable) raw.push(zstdCodec.decompress(frame, maxRaw));
    at += meter.length;
  }
  return concat(raw);
}

const source = sampleBytes(3_000_000);

for (
  const args of [
    ["-T2"],
    ["--no-check"],
    ["-1", "--no-content-size"],
    ["-19", "--single-thread"],
    ["--long=23"],
    ["--fast=5"],
    ["-B1MiB", "-T2", "--adapt"],
    ["-3", "--stream-size=3000000"],
  ]
) {
  Deno.test(`zstdCodec reads what "zstd ${args.join(" ")}" writes`, async () => {
    for (const size of [0, 1, 127, 128, 65_536, 131_072, 131_073, 3_000_000]) {
      if (args.some((arg) => arg.startsWith("--stream-size")) && size !== 3_000_000) continue;
      const raw = source.subarray(0, size);
      const file = await pipeThrough(["zstd", "-c", ...args], raw);
      assert.deepEqual(decompressAll(file, 3_000_000), raw, `${size} bytes`);
    }
  });
}

Deno.test("zstdCodec.decompress() refuses a frame that looks back 128 MiB", async () => {
  const file = await pipeThrough(["zstd", "-c", "--ultra", "-22"], source);
  assert.throws(() => zstdCodec.decompress(file, 3_000_000), (error) => {
    assert.ok(damaged(/holds more than the 3000000 bytes/)(error));
    return /zstd -dc/.test((error as VaultraError).hint!);
  });
});

Deno.test("zstdCodec reads runs of one byte and bytes that do not compress", async () => {
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  for (const raw of [new Uint8Array(1_000_000), noise, concat([noise, new Uint8Array(200_000), noise])]) {
    assert.deepEqual(zstdCodec.decompress(zstdCodec.compress(raw, 3), 1_000_000), raw);
    assert.deepEqual(decompressAll(await pipeThrough(["zstd", "-c"], raw), 1_000_000), raw);
  }
});

Deno.test("zstdCodec reads concatenated files with skippable frames between them", async () => {
  const parts = [source.subarray(0, 10), source.subarray(10, 500_000), source.subarray(500_000)];
  const files = await Promise.all(parts.map((part) => pipeThrough(["zstd", "-c"], part)));
  const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  const file = concat([skippable, files[0]!, skippable, files[1]!, files[2]!, skippable]);
  assert.deepEqual(decompressAll(file, 3_000_000), source);
});

Deno.test("zstdCodec.compress() tells the raw size and adds a checksum, as zstd says", async () => {
  const frame = zstdCodec.compress(source.subarray(0, 100_000), 3);
  const path = await Deno.makeTempFile({ suffix: ".zst" });
  try {
    await Deno.writeFile(path, frame);
    const { stdout } = await new Deno.Command("zstd", { args: ["-lv", path], stderr: "null" }).output();
    const text = new TextDecoder().decode(stdout);
    assert.match(text, /Check: XXH64/);
    assert.match(text, /\(100000 B\)/);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("zstdCodec.decompress() notices a wrong checksum at every size", () => {
  for (let size = 0; size < 70_000; size += size < 600 ? 1 : 977) {
    const frame = zstdCodec.compress(source.subarray(0, size), 3);
    for (let i = 1; i <= 4; i++) {
      const forged = frame.slice();
      forged[forged.length - i]! ^= 0x10;
      assert.throws(
        () => zstdCodec.decompress(forged, 70_000),
        damaged(/checksum is wrong/),
        `${size} bytes`,
      );
    }
  }
});

/** A frame by hand: descriptor, the rest of the header, then blocks as [last, type, size, bytes]. */
function frameOf(
  header: readonly number[],
  ...blocks: (readonly [0 | 1, number, number, readonly number[]])[]
) {
  const body = blocks.flatMap(([last, type, size, bytes]) => {
    const head = last | type << 1 | size << 3;
    return [head & 255, head >>> 8 & 255, head >>> 16, ...bytes];
  });
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...header, ...body);
}

Deno.test("zstdCodec.decompress() refuses forged headers and blocks", () => {
  const good = frameOf([0x20, 3], [1, 0, 3, [1, 2, 3]]);
  assert.deepEqual(zstdCodec.decompress(good, 3), Uint8Array.of(1, 2, 3));
  const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["reserved bit", frameOf([0x28, 3], [1, 0, 3, [1, 2, 3]]), /reserved bit/],
    ["dictionary", frameOf([0x21, 7, 3], [1, 0, 3, [1, 2, 3]]), /dictionary/],
    ["reserved block", frameOf([0x20, 3], [1, 3, 3, [1, 2, 3]]), /reserved type/],
    ["long block", frameOf([0x00, 0x78], [1, 1, 131_073, [1]]), /longer than blocks/],
    ["block over the window", frameOf([0x20, 3], [1, 1, 4, [1]]), /longer than blocks/],
    ["fewer bytes than told", frameOf([0x20, 4], [1, 0, 3, [1, 2, 3]]), /./],
    ["more bytes than told", frameOf([0x20, 200], [0, 1, 150, [1]], [1, 1, 150, [1]]), /./],
    ["8 GiB told", frameOf([0xe0, 0, 0, 0, 0, 2, 0, 0, 0], [1, 1, 5, [1]]), /more than/],
    ["2^64 - 1 told", frameOf([0xe0, 255, 255, 255, 255, 255, 255, 255, 255], [1, 1, 5, [1]]), /more than/],
    ["window of 16 MiB", frameOf([0x00, 14 << 3], [1, 1, 5, [1]]), /more than/],
    ["window of 3.75 TiB", frameOf([0x00, 0xff], [1, 1, 5, [1]]), /more than/],
    ["skippable", Uint8Array.of(0x5e, 0x2a, 0x4d, 0x18, 0, 0, 0, 0), /skippable/],
    ["skippable of 4 GiB", Uint8Array.of(0x5e, 0x2a, 0x4d, 0x18, 255, 255, 255, 255), /cut short/],
  ];
  for (const [name, frame, message] of refused) {
    assert.throws(() => zstdCodec.decompress(frame, 1 << 20), damaged(message), name);
  }
});

Deno.test("zstdCodec.decompress() refuses a bomb of a thousand blocks without its size told", () => {
  const blocks = Array.from({ length: 1000 }, (_, i) => [i === 999 ? 1 : 0, 1, 131_072, [0]] as const);
  const bomb = frameOf([0x00, 0x38], ...blocks);
  assert.throws(() => zstdCodec.decompress(bomb, 1 << 20), damaged(/more than the 1048576 bytes/));
  assert.equal(zstdCodec.decompress(bomb, 131_072_000).length, 131_072_000);
});

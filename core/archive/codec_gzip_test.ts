import assert from "node:assert/strict";
import { concat, pipeThrough, sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { VaultraError } from "../errors.ts";
import { measuredLength } from "./codec.ts";
import { encodeGzipTrailer, GZIP_TRAILER_BYTES, gzipCodec, parseGzipTrailer } from "./codec_gzip.ts";

const damaged = (message: RegExp) => (error: unknown) =>
  error instanceof VaultraError && error.code === "damaged.frame" && message.test(error.message);
const raw = sampleBytes(50_000);
const member = gzipCodec.compress(raw, 6);

/** The member with other bytes in the places. */
function forged(places: Readonly<Record<number, number>>): Uint8Array {
  const copy = member.slice();
  for (const [at, byte] of Object.entries(places)) copy[(Number(at) + copy.length) % copy.length] = byte;
  return copy;
}

Deno.test("gzipCodec.compress() writes the length of the member in its header", () => {
  assert.equal(new DataView(member.buffer).getUint32(16, true), member.length);
  assert.equal(measuredLength(gzipCodec.meter()!, member.subarray(0, 22), 0), member.length);
});

Deno.test("gzipCodec.decompress() tells members of other programs", async () => {
  for (const args of [["-c"], ["-cn", "-1"]]) {
    const foreign = await pipeThrough(["gzip", ...args], raw);
    for (
      const call of [
        () => gzipCodec.decompress(foreign, 50_000),
        () => measuredLength(gzipCodec.meter()!, foreign, 0),
      ]
    ) {
      assert.throws(
        call,
        (error) =>
          damaged(/does not tell its length/)(error) && /gzip -dc/.test((error as VaultraError).hint!),
      );
    }
  }
});

Deno.test("gzipCodec.decompress() refuses wrong checksums, lengths and bytes after the data", () => {
  assert.throws(
    () => gzipCodec.decompress(forged({ [-8]: member.at(-8)! ^ 1 }), 50_000),
    damaged(/checksum/),
  );
  assert.throws(() => gzipCodec.decompress(forged({ [-4]: member.at(-4)! ^ 1 }), 50_001), damaged(/./));
  assert.throws(() => gzipCodec.decompress(forged({ [-1]: 0xff }), 50_000), damaged(/more than/));
  for (const length of [0, 29, member.length - 1, member.length + 1, 0xffffffff]) {
    const bytes = { 16: length & 255, 17: length >>> 8 & 255, 18: length >>> 16 & 255, 19: length >>> 24 };
    assert.throws(() => gzipCodec.decompress(forged(bytes), 50_000), damaged(/./), `length ${length}`);
  }
  const stuffed = concat([member.subarray(0, -8), Uint8Array.of(0, 0, 0), member.subarray(-8)]);
  new DataView(stuffed.buffer).setUint32(16, stuffed.length, true);
  assert.throws(() => gzipCodec.decompress(stuffed, 50_000), damaged(/after its data/));
});

Deno.test("gzipCodec.decompress() refuses a second member within the first one's length", () => {
  const two = concat([gzipCodec.compress(new Uint8Array(0), 6), member]);
  new DataView(two.buffer).setUint32(16, two.length, true);
  assert.throws(() => gzipCodec.decompress(two, 50_000), damaged(/./));
});

Deno.test("parseGzipTrailer() reads what encodeGzipTrailer() wrote", async () => {
  const range = { offset: 2 ** 40 + 1, stored: 12_345 };
  const trailer = encodeGzipTrailer(range);
  assert.equal(trailer.length, GZIP_TRAILER_BYTES);
  assert.deepEqual(parseGzipTrailer(trailer, 2 ** 41), range);
  const meter = gzipCodec.meter()!;
  meter.read(trailer, 0);
  assert.deepEqual([meter.skippable, meter.length], [true, GZIP_TRAILER_BYTES]);
  assert.throws(() => gzipCodec.decompress(trailer, 100), damaged(/trailer stands/));
  assert.equal((await pipeThrough(["gzip", "-dc"], trailer)).length, 0);
});

Deno.test("parseGzipTrailer() finds no trailer in other bytes", () => {
  assert.equal(parseGzipTrailer(member.subarray(-GZIP_TRAILER_BYTES), 2 ** 40), null);
  assert.equal(parseGzipTrailer(new Uint8Array(0), 2 ** 40), null);
  const trailer = encodeGzipTrailer({ offset: 0, stored: 1 });
  for (let at = 0; at < GZIP_TRAILER_BYTES; at++) {
    if (at >= 24 && at < 40) continue;
    const copy = trailer.slice();
    copy[at]! ^= 1;
    assert.equal(parseGzipTrailer(copy, 2 ** 40), null, `byte ${at}`);
  }
});

Deno.test("parseGzipTrailer() refuses ranges outside of the archive", () => {
  const ranges = [[0, 0], [0, 951], [950, 1], [2 ** 52, 1], [1, 2 ** 52], [
    Number.MAX_SAFE_INTEGER,
    Number.MAX_SAFE_INTEGER,
  ]];
  for (const [offset, stored] of ranges) {
    assert.throws(
      () => parseGzipTrailer(encodeGzipTrailer({ offset: offset!, stored: stored! }), 1000),
      (error) => error instanceof VaultraError && error.code === "damaged.trailer",
      `${offset} ${stored}`,
    );
  }
  assert.deepEqual(parseGzipTrailer(encodeGzipTrailer({ offset: 949, stored: 1 }), 1000), {
    offset: 949,
    stored: 1,
  });
});

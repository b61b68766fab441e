import assert from "node:assert/strict";
import { concat, sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { VaultraError } from "../errors.ts";
import { FrameTable, frameTableLength, TABLE_FOOTER_BYTES } from "./frame_table.ts";

const isDamaged = (error: unknown) => error instanceof VaultraError && error.code === "damaged.frame-table";

/** A table of frames of 10, 11, 12 … stored bytes. */
function tableOf(count: number): FrameTable {
  const table = new FrameTable();
  for (let i = 0; i < count; i++) table.add(10 + i, 4_000_000_000 + i);
  return table;
}

Deno.test("FrameTable.parse() reads what encode() wrote", () => {
  for (const count of [0, 1, 2, 8191, 8192, 8193, 20_000]) {
    const table = tableOf(count);
    const bytes = concat([...table.encode()]);
    assert.equal(bytes.length, table.encodedLength);
    const size = table.stored + bytes.length;
    assert.equal(frameTableLength(bytes.subarray(-TABLE_FOOTER_BYTES), size), bytes.length);
    const parsed = FrameTable.parse(bytes, size);
    assert.equal(parsed.count, count);
    assert.equal(parsed.raw, table.raw);
    for (const i of [0, 1, 8191, 8192, count - 1].filter((i) => i >= 0 && i < count)) {
      assert.deepEqual(parsed.frame(i), { stored: 10 + i, raw: 4_000_000_000 + i });
    }
    assert.equal(parsed.frame(count), undefined);
    assert.equal(parsed.frame(-1), undefined);
  }
});

Deno.test("FrameTable.encode() follows the zstd seekable format", () => {
  const table = new FrameTable();
  table.add(0x01020304, 0x05060708);
  assert.deepEqual(
    concat([...table.encode()]),
    Uint8Array.from([
      ...[0x5e, 0x2a, 0x4d, 0x18, 17, 0, 0, 0],
      ...[4, 3, 2, 1, 8, 7, 6, 5],
      ...[1, 0, 0, 0, 0, 0xb1, 0xea, 0x92, 0x8f],
    ]),
  );
});

Deno.test("FrameTable gives up past its limit", () => {
  const table = new FrameTable(3);
  for (let i = 0; i < 3; i++) table.add(1, 1);
  assert.equal(table.overflow, false);
  table.add(1, 1);
  table.add(1, 1);
  assert.equal(table.overflow, true);
  assert.equal(table.count, 0);
});

Deno.test("FrameTable.add() refuses lengths of more than 32 bits", () => {
  const table = new FrameTable();
  table.add(0xffffffff, 0xffffffff);
  assert.throws(() => table.add(2 ** 32, 1), VaultraError);
  assert.throws(() => table.add(1, 2 ** 32), VaultraError);
});

Deno.test("FrameTable.parse() refuses tables that were tampered with", () => {
  const table = tableOf(20);
  const bytes = concat([...table.encode()]);
  const size = table.stored + bytes.length;
  for (let at = 0; at < bytes.length; at++) {
    // The raw lengths are what the frames must prove.
    const isRawLength = at >= 8 && at < bytes.length - TABLE_FOOTER_BYTES && (at - 8) % 8 >= 4;
    if (isRawLength) continue;
    const copy = bytes.slice();
    copy[at]! ^= 1;
    assert.throws(() => FrameTable.parse(copy, size), isDamaged, `byte ${at}`);
  }
  assert.throws(() => FrameTable.parse(bytes.subarray(1), size), isDamaged);
  assert.throws(() => FrameTable.parse(bytes, size + 1), isDamaged);
  assert.throws(() => FrameTable.parse(new Uint8Array(0), size), isDamaged);
});

Deno.test("frameTableLength() tells no table and impossible tables apart", () => {
  assert.equal(frameTableLength(sampleBytes(9), 1000), null);
  assert.equal(frameTableLength(new Uint8Array(0), 1000), null);
  const footer = (...head: number[]) => Uint8Array.from([...head, 0xb1, 0xea, 0x92, 0x8f]);
  assert.equal(frameTableLength(footer(2, 0, 0, 0, 0), 1000), 33);
  assert.throws(() => frameTableLength(footer(200, 0, 0, 0, 0), 1000), isDamaged);
  assert.throws(() => frameTableLength(footer(2, 0, 0, 0, 0x80), 1000), isDamaged);
  assert.throws(() => frameTableLength(footer(1, 0, 0, 8, 0), 2 ** 50), isDamaged);
  assert.throws(() => frameTableLength(footer(255, 255, 255, 255, 0), 2 ** 50), isDamaged);
});

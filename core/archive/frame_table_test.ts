import assert from "node:assert/strict";
import { concat, sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { VaultraError } from "../errors.ts";
import { FrameTable, frameTableLength, TABLE_FOOTER_BYTES } from "./frame_table.ts";

const isDamaged = (error: unknown) => error instanceof VaultraError && error.code === "damaged.frame-table";

/** The table of frames of 10, 11, 12 … stored bytes, encoded. */
function tableOf(count: number): Uint8Array {
  const table = new FrameTable();
  for (let i = 0; i < count; i++) table.add(10 + i, 4_000_000_000 + i);
  return concat([...table.encode()]);
}

Deno.test("FrameTable.encode() writes every frame, and frameTableLength() finds the table", () => {
  for (const count of [0, 1, 2, 8191, 8192, 8193, 20_000]) {
    const bytes = tableOf(count);
    assert.equal(frameTableLength(bytes.subarray(-TABLE_FOOTER_BYTES), 2 ** 40), bytes.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    assert.equal(view.getUint32(bytes.length - TABLE_FOOTER_BYTES, true), count);
    for (let i = 0; i < count; i++) {
      assert.equal(view.getUint32(8 + i * 8, true), 10 + i);
      assert.equal(view.getUint32(12 + i * 8, true), 4_000_000_000 + i);
    }
    assert.equal(bytes.length, 8 + count * 8 + TABLE_FOOTER_BYTES);
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
});

Deno.test("FrameTable.add() refuses lengths of more than 32 bits", () => {
  const table = new FrameTable();
  table.add(0xffffffff, 0xffffffff);
  assert.throws(() => table.add(2 ** 32, 1), VaultraError);
  assert.throws(() => table.add(1, 2 ** 32), VaultraError);
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

import assert from "node:assert/strict";
import fc from "fast-check";
import { VaultraError } from "../errors.ts";
import { joinTotals, type RowFraming, RowSum, rowSumProof, type RowTotal, totalBeyond } from "./row_sum.ts";

const MASK = (1n << 64n) - 1n;
const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & MASK;
const scatter = (k: bigint) => {
  k = ((k ^ (k >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  k = ((k ^ (k >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return k ^ (k >> 33n);
};

/** MurmurHash3 x64 128 as its author wrote it down, slowly, in numbers without end: h1 + 2^64 · h2. */
function murmur(bytes: Uint8Array, seed = 0n): bigint {
  const [c1, c2] = [0x87c37b91114253d5n, 0x4cf5ad432745937fn];
  const word = (at: number) => {
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0);
    return value;
  };
  const k1Of = (at: number) => (rotate((word(at) * c1) & MASK, 31n) * c2) & MASK;
  const k2Of = (at: number) => (rotate((word(at) * c2) & MASK, 33n) * c1) & MASK;
  let [h1, h2] = [seed, seed];
  const whole = bytes.length - bytes.length % 16;
  for (let at = 0; at < whole; at += 16) {
    h1 = ((rotate(h1 ^ k1Of(at), 27n) + h2) * 5n + 0x52dce729n) & MASK;
    h2 = ((rotate(h2 ^ k2Of(at + 8), 31n) + h1) * 5n + 0x38495ab5n) & MASK;
  }
  h2 ^= k2Of(whole + 8) ^ BigInt(bytes.length);
  h1 ^= k1Of(whole) ^ BigInt(bytes.length);
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  [h1, h2] = [scatter(h1), scatter(h2)];
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  return h1 + (h2 << 64n);
}

function slowTotal(rows: readonly Uint8Array[]): RowTotal {
  return { rows: rows.length, sum: BigInt.asUintN(128, rows.reduce((sum, row) => sum + murmur(row), 0n)) };
}

function totalOf(framing: RowFraming, ...blocks: readonly Uint8Array[]): RowTotal {
  const sum = new RowSum(framing);
  for (const block of blocks) sum.push(block);
  return sum.finish();
}

const bytes = (text: string) => new TextEncoder().encode(text);
const join = (rows: readonly Uint8Array[]) => new Uint8Array(rows.flatMap((row) => [...row]));
/** A row as a stream of `sized` rows holds it. */
const sized = (content: Uint8Array) => {
  const row = new Uint8Array(4 + content.length);
  new DataView(row.buffer).setUint32(0, row.length, true);
  row.set(content, 4);
  return row;
};
/** A row as a stream of `lines` holds it. */
const line = (content: Uint8Array) => new Uint8Array([...content.map((byte) => byte === 10 ? 11 : byte), 10]);

Deno.test("MurmurHash3 of these tests is the published one", () => {
  // SMHasher's own check: the hash of the hashes of 256 keys has these first bytes for x64 128.
  const hashes = new Uint8Array(256 * 16);
  const keys = Uint8Array.from({ length: 256 }, (_, index) => index);
  const put = (to: Uint8Array, at: number, hash: bigint) => {
    for (let i = 0; i < 16; i++) to[at + i] = Number((hash >> BigInt(8 * i)) & 255n);
  };
  for (let i = 0; i < 256; i++) put(hashes, 16 * i, murmur(keys.subarray(0, i), BigInt(256 - i)));
  assert.equal(Number(murmur(hashes) & 0xffffffffn), 0x6384ba69);
  assert.equal(murmur(bytes("hello")), (0x5b1e906a48ae1d19n << 64n) + 0xcbd8a7b341bd9b02n);
});

Deno.test("RowSum makes the format's vectors, which another program computed", async () => {
  const file = new URL("../../tests/testdata/proof-v1/row_sums.json", import.meta.url);
  const vectors = JSON.parse(await Deno.readTextFile(file)) as {
    framing: RowFraming;
    rows: number;
    stream: string;
    proof: string;
  }[];
  assert.ok(vectors.length >= 8);
  for (const { framing, rows, stream, proof } of vectors) {
    const total = totalOf(framing, Uint8Array.fromBase64(stream));
    assert.deepEqual({ rows: total.rows, proof: rowSumProof(total) }, { rows, proof });
  }
});

Deno.test("RowSum agrees with the plain algorithm, wherever the rows are cut", () => {
  const content = fc.uint8Array({ maxLength: 70 });
  const cuts = fc.array(fc.nat(400), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(content, { maxLength: 12 }), cuts, fc.boolean(), (contents, cuts, lines) => {
      const rows = contents.map(lines ? line : sized);
      const stream = join(rows);
      const ends = [...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
      const blocks = ends.map((end, index) => stream.subarray(ends[index - 1] ?? 0, end));
      assert.deepEqual(totalOf(lines ? "lines" : "sized", ...blocks), slowTotal(rows));
    }),
    { numRuns: 500 },
  );
});

Deno.test("RowSum takes every length of a row, every cut and single bytes", () => {
  for (const framing of ["lines", "sized"] as const) {
    for (let length = 0; length <= 40; length++) {
      const content = Uint8Array.from({ length }, (_, index) => 100 + index);
      const rows = [content, content.subarray(1)].map(framing === "lines" ? line : sized);
      const stream = join(rows);
      const expected = slowTotal(rows);
      assert.deepEqual(totalOf(framing, ...Array.from(stream, (byte) => Uint8Array.of(byte))), expected);
      for (let cut = 0; cut <= stream.length; cut++) {
        assert.deepEqual(totalOf(framing, stream.subarray(0, cut), stream.subarray(cut)), expected);
      }
    }
  }
});

Deno.test("RowSum takes blocks and rows longer than its memory", () => {
  const content = Uint8Array.from({ length: 200_003 }, (_, index) => index * 7);
  for (const [framing, frame] of [["lines", line], ["sized", sized]] as const) {
    const rows = [content, content.subarray(0, 65_457), content.subarray(0, 3)].map(frame);
    assert.deepEqual(totalOf(framing, join(rows)), slowTotal(rows));
  }
});

Deno.test("RowSum keeps sums apart that grow at the same time", () => {
  const [first, second] = [new RowSum("lines"), new RowSum("lines")];
  first.push(bytes("one\ntw"));
  second.push(bytes("a longer row than one blo"));
  first.push(bytes("o\n"));
  second.push(bytes("ck\n"));
  assert.deepEqual(first.finish(), slowTotal([bytes("one\n"), bytes("two\n")]));
  assert.deepEqual(second.finish(), slowTotal([bytes("a longer row than one block\n")]));
});

Deno.test("RowSum tells rows apart from other rows, doubles and losses, and not their order", () => {
  const one = totalOf("lines", bytes("a\nb\nb\n\n"));
  assert.deepEqual(totalOf("lines", bytes("b\n\na\nb\n")), one);
  for (
    const other of ["a\nb\n\n", "a\na\nb\n\n", "a\nb\nc\n\n", "a\nb\nb\n", "ab\nb\n\n\n", "a\nb\nb\n \n"]
  ) {
    assert.notEqual(totalOf("lines", bytes(other)).sum, one.sum, other);
  }
});

Deno.test("RowSum refuses a stream that cannot be rows", () => {
  const refusal = (message: string, call: () => unknown) =>
    assert.throws(
      call,
      (error) => error instanceof VaultraError && error.code === "damaged.rows" && error.message === message,
    );
  const of = 'table "t"';
  refusal(`Row 2 of ${of} tells of less than its own length`, () => {
    new RowSum("sized", { of }).push(new Uint8Array([4, 0, 0, 0, 3, 0, 0, 0]));
  });
  refusal(`Row 1 of ${of} is too long`, () => {
    new RowSum("sized", { of }).push(new Uint8Array([255, 255, 255, 255]));
  });
  for (const length of [9, 16, 40]) {
    refusal(`Row 2 of ${of} is too long`, () => {
      new RowSum("lines", { of, longest: 8 }).push(bytes(`1234567\n${"x".repeat(length)}\n`));
    });
  }
  for (const left of ["x", "x".repeat(16), "x".repeat(17)]) {
    refusal(`Row 2 of ${of} has no end`, () => {
      const sum = new RowSum("lines", { of });
      sum.push(bytes(`row\n${left}`));
      sum.finish();
    });
  }
  for (const left of [[1], [20, 0, 0, 0], [20, 0, 0, 0, ...Array(15).fill(0)]]) {
    refusal(`Row 1 of ${of} has no end`, () => {
      const sum = new RowSum("sized", { of });
      sum.push(Uint8Array.from(left));
      sum.finish();
    });
  }
});

Deno.test("joinTotals() adds what streams held, totalBeyond() takes it away again", () => {
  const [one, two] = [totalOf("lines", bytes("a\nb\n")), totalOf("lines", bytes("c\n"))];
  const all = totalOf("lines", bytes("c\nb\na\n"));
  assert.deepEqual(joinTotals([one, two]), all);
  assert.deepEqual(joinTotals([]), { rows: 0, sum: 0n });
  assert.deepEqual(totalBeyond(all, two), one);
  assert.deepEqual(totalBeyond(one, all), { rows: -1, sum: BigInt.asUintN(128, -two.sum) });
});

Deno.test("rowSumProof() writes 32 digits, the highest first", () => {
  assert.equal(rowSumProof({ rows: 1, sum: 0x1fn }), `murmur3-sum:${"0".repeat(30)}1f`);
});

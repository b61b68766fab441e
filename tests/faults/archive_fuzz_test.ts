/**
 * Thousands of damaged archives, the same each time: whatever happened to the bytes, a reader hands out nothing
 * that the backup did not hold, and either reads everything or says what is wrong.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Compression, compressions } from "../../core/archive/format.ts";
import { FramePool } from "../../core/archive/frame_pool.ts";
import { testArchive } from "../fakes/test_archive.ts";
import { VaultraError } from "../../core/errors.ts";
import type { EntryInfo } from "../../core/database.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { forge, type Json, soundEntries } from "../fakes/forged_archive.ts";
import { inTime, readArchive, type ReadResult, type Way, ways } from "../fakes/read_archive.ts";
import { concat, sampleBytes, sha256 } from "../fakes/sample_bytes.ts";

/** Damaged archives of each compression. */
const RUNS = 1200;

/** Numbers from 0 up to a bound, the same for the same seed (xorshift32). */
function randomOf(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

type Random = ReturnType<typeof randomOf>;

/** What can happen to an archive. Each changes at most a few hundred bytes, or moves any number. */
const damages: Readonly<Record<string, (bytes: Bytes, random: Random, other: Bytes) => Uint8Array>> = {
  flip: (bytes, random) => {
    const copy = bytes.slice();
    for (let n = 1 + random(3); n > 0; n--) copy[random(copy.length)]! ^= 1 << random(8);
    return copy;
  },
  zero: (bytes, random) => bytes.slice().fill(0, ...range(bytes, random, 600)),
  fill: (bytes, random) => bytes.slice().fill(random(256), ...range(bytes, random, 40)),
  cut: (bytes, random) => bytes.subarray(0, random(bytes.length)),
  lose: (bytes, random) => {
    const [from, to] = range(bytes, random, random(2) === 0 ? 600 : bytes.length);
    return concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  insert: (bytes, random) => {
    const at = random(bytes.length);
    return concat([bytes.subarray(0, at), sampleBytes(1 + random(700), random(1000)), bytes.subarray(at)]);
  },
  repeat: (bytes, random) => {
    const [from, to] = range(bytes, random, bytes.length);
    return concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  exchange: (bytes, random) => {
    const cuts = [random(bytes.length), random(bytes.length), random(bytes.length)].sort((a, b) => a - b);
    const [a, b, c] = cuts as [number, number, number];
    return concat([bytes.subarray(0, a), bytes.subarray(b, c), bytes.subarray(a, b), bytes.subarray(c)]);
  },
  exchangeBlocks: (bytes, random) => {
    const blocks = Math.floor(bytes.length / 512);
    const [a, b] = [random(blocks) * 512, random(blocks) * 512];
    const copy = bytes.slice();
    copy.set(bytes.subarray(b, b + 512), a);
    copy.set(bytes.subarray(a, a + 512), b);
    return copy;
  },
  splice: (bytes, random, other) => {
    const at = random(Math.min(bytes.length, other.length));
    return concat([bytes.subarray(0, at), other.subarray(at)]);
  },
  patch: (bytes, random, other) => {
    const [from, to] = range(other, random, 5000);
    const copy = bytes.slice();
    copy.set(other.subarray(from, Math.min(to, copy.length)), Math.min(from, copy.length));
    return copy;
  },
  append: (bytes, random, other) => concat([bytes, other.subarray(0, 1 + random(other.length))]),
};

function range(bytes: Uint8Array, random: Random, longest: number): [from: number, to: number] {
  const from = random(bytes.length);
  return [from, from + 1 + random(longest)];
}

/** What a backup holds: files, and objects whose parts share frames and have frames of their own. */
function contents(
  compression: Compression,
  seed: number,
): (EntryInfo & { content: Bytes; rows?: number; continues?: boolean })[] {
  // Several frames, where there are frames.
  const large = compression === "none" ? 200_000 : 2_200_000;
  return [
    { section: "schema", name: "tables.sql", content: sampleBytes(900, seed) },
    {
      section: "data",
      name: "users",
      object: 1,
      rows: 3,
      continues: true,
      content: sampleBytes(4000, seed + 1),
    },
    { section: "data", name: "users", object: 1, rows: 2, content: sampleBytes(2000, seed + 2) },
    { section: "data", name: "naïve \u{1f600}", object: 2, rows: 5, content: sampleBytes(7000, seed + 3) },
    { section: "data", name: "large", object: 3, rows: 7, content: new Uint8Array(large).fill(seed) },
    { section: "data", name: "empty", object: 4, content: new Uint8Array(0) },
    { section: "pages", name: "large", object: 3, content: sampleBytes(64, seed + 4) },
    { section: "schema-after", name: "indexes.sql", content: sampleBytes(300, seed + 5) },
  ];
}

/** Holds what a reader did against what the archive held: `expected` are path and hash, in order. */
function check({ entries, error }: ReadResult, expected: readonly string[], title: string): void {
  const found = entries.map(({ name, rows, continues, sha256 }) => `${name} ${rows} ${continues} ${sha256}`);
  assert.deepEqual(found, expected.slice(0, found.length), `${title}: other bytes came out`);
  if (error === undefined) {
    assert.equal(found.length, expected.length, `${title}: entries are missing and nothing was said`);
    return;
  }
  assert.ok(error instanceof VaultraError, `${title}: ${error instanceof Error ? error.stack : error}`);
  assert.equal(error.family, "damaged", `${title}: ${error.code} ${error.message}`);
  assert.match(error.message, /^['A-Z][^\n]+$/, title);
}

for (const [number, compression] of compressions.entries()) {
  Deno.test(`damaged ${compression} archives never give wrong bytes`, async () => {
    await using pool = FramePool.open({ workers: 2 });
    const { bytes, record } = await testArchive(pool, compression, contents(compression, 1));
    const other = await testArchive(pool, compression, contents(compression, 50));
    const expected = contents(compression, 1).map(({ name, rows = 0, continues = false, content }) =>
      `${name} ${rows} ${continues} ${sha256(content)}`
    );
    const random = randomOf(20_261_124 + number);
    const names = Object.keys(damages);
    const before = Deno.memoryUsage().rss;
    for (let run = 0; run < RUNS; run++) {
      const name = names[run % names.length]!;
      const damaged = concat([damages[name]!(bytes, random, other.bytes)]);
      const hash = sha256(damaged);
      // Both begin alike, so that a splice may give the other archive whole.
      if (hash === other.record.archive.sha256) continue;
      const isSame = hash === record.archive.sha256;
      // Each run takes two ways, one of them with the record.
      const both: Way[] = [
        (["parts", "address", "pipe"] as const)[run % 3]!,
        run % 2 === 0 ? "verify" : "record",
      ];
      for (const way of both) {
        const title = `${compression} run ${run} (${name}) by ${way}`;
        const result = await inTime(readArchive(damaged, way, { pool, record }), title);
        check(result, expected, title);
        assert.ok(
          way !== "verify" || (result.error === undefined) === isSame,
          `${title}: the damage was not seen`,
        );
      }
    }
    assert.ok(Deno.memoryUsage().rss - before < 400 << 20, "took more than 400 MiB of memory");
  });
}

const strangeValues: readonly Json[] = [
  ...[0, -1, 1, 512, 1000, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 60, 0.5, -0.5, 1e308],
  ...["", "1", "x".repeat(70_000), "__proto__", "\0", null, true, [], {}, [[]], { length: 5 }],
];

/** Puts a strange value, or none, somewhere into a JSON value. */
function disturb(value: Json, random: Random): Json {
  const copy = structuredClone(value);
  let at = copy;
  for (;;) {
    const keys = Object.keys(at);
    if (keys.length === 0) return copy;
    const key = keys[random(keys.length)]!;
    const inner = at[key];
    if (typeof inner === "object" && inner !== null && Object.keys(inner).length > 0 && random(8) > 0) {
      at = inner;
      continue;
    }
    const choice = random(strangeValues.length + 2);
    // Without a line of the index it would be another archive, sound as its manifest is made from the lines.
    if (choice === strangeValues.length && !Array.isArray(at)) delete at[key];
    else if (choice === strangeValues.length + 1 && typeof inner === "number") {
      at[key] = inner + random(3) - 1;
    } else at[key] = structuredClone(strangeValues[choice % strangeValues.length]);
    return copy;
  }
}

Deno.test("archives whose documents hold strange values never give wrong bytes", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const expected = soundEntries().map(({ path, object, rows = 0, continues = false, content }) =>
    `${object ?? path.split("/")[1]} ${rows} ${continues} ${sha256(content)}`
  );
  const random = randomOf(4711);
  const places = ["header", "lines", "manifest", "record"] as const;
  for (let run = 0; run < RUNS; run++) {
    const place = places[run % places.length]!;
    const compression: Compression = compressions[run % compressions.length]!;
    let changed: Json;
    const { bytes, record } = forge({
      compression,
      [place]: (value: Json) => changed = disturb(value, random),
    });
    for (const way of [ways[run % ways.length]!, "record"] as const) {
      const title = `run ${run} (${place}) by ${way}`;
      const result = await inTime(readArchive(bytes, way, { pool, record }), title);
      check(result, expected, `${title}: ${JSON.stringify(changed).slice(0, 3000)}`);
    }
  }
});

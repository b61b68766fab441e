import assert from "node:assert/strict";
import fc from "fast-check";
import type { IndexEntry } from "./archive/format.ts";
import { Sample } from "./sample.ts";

/** Lines of objects with so many parts each, which take turns, after two files. */
function linesOf(parts: readonly number[]): IndexEntry[] {
  const line = (path: string, object?: number, part?: number): IndexEntry => ({
    path,
    ...(object === undefined || part === undefined ? {} : { object, part }),
    offset: 0,
    stored: 1,
    at: 0,
    raw: 10,
    rows: 0,
    sha256: "",
  });
  const lines = [line("schema/a.sql"), line("schema/b.sql")];
  for (let part = 0; part < Math.max(0, ...parts); part++) {
    for (const [at, count] of parts.entries()) {
      const path = `data/${String(at + 1).padStart(6, "0")}.x/${String(part).padStart(8, "0")}`;
      if (part < count) lines.push(line(path, at + 1, part));
    }
  }
  return lines;
}

/** The paths that a sample chooses. */
function chosen(lines: readonly IndexEntry[], percent: number, seed: string): string[] {
  const sample = new Sample({ percent, seed });
  for (const line of lines) sample.count(line);
  const picked = lines.filter((line) => sample.chooses(line));
  assert.equal(sample.bytes >= 0, true);
  return picked.map(({ path }) => path);
}

const partsOfObjects = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 });
const percents = fc.oneof(
  fc.constantFrom(0.001, 1, 50, 100),
  fc.double({ min: 0.01, max: 100, noNaN: true }),
);
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((seed) => seed.toString(16).padStart(8, "0"));

Deno.test("Sample chooses exactly its share of every object, at least one part, and every file", () => {
  fc.assert(
    fc.property(partsOfObjects, percents, seeds, (parts, percent, seed) => {
      const paths = chosen(linesOf(parts), percent, seed);
      assert.deepEqual(paths.slice(0, 2), ["schema/a.sql", "schema/b.sql"]);
      for (const [at, count] of parts.entries()) {
        const own = paths.filter((path) => path.startsWith(`data/${String(at + 1).padStart(6, "0")}`));
        assert.equal(own.length, Math.max(1, Math.ceil(count * percent / 100)));
      }
    }),
  );
});

Deno.test("Sample chooses the same parts for the same seed, others for another, and each part sometime", () => {
  const lines = linesOf([40]);
  assert.deepEqual(chosen(lines, 10, "1a2b3c4d"), chosen(lines, 10, "1A2B3C4D"));
  assert.notDeepEqual(chosen(lines, 10, "1a2b3c4d"), chosen(lines, 10, "1a2b3c4e"));
  const times = new Map<string, number>();
  for (let seed = 0; seed < 2000; seed++) {
    for (const path of chosen(lines, 10, (seed * 2654435761 >>> 0).toString(16).padStart(8, "0"))) {
      times.set(path, (times.get(path) ?? 0) + 1);
    }
  }
  assert.equal(times.size, 42);
  // 200 are expected of each part; the seeds are fixed, so that this never fails by chance.
  for (const [path, count] of times) {
    assert.ok(path.startsWith("schema/") ? count === 2000 : count > 140 && count < 260, `${path}: ${count}`);
  }
});

Deno.test("Sample knows how many bytes it will choose, and refuses what is no sample", () => {
  const sample = new Sample({ percent: 50, seed: "00000000" });
  for (const line of linesOf([4, 2])) sample.count(line);
  assert.equal(sample.bytes, 20 + 20 + 10);
  for (const percent of [0, -1, 101, NaN, Infinity]) {
    assert.throws(() => new Sample({ percent, seed: "00000000" }), { code: "usage.sample" });
  }
  for (const seed of ["", "1", "123456789", "0x000000", "zzzzzzzz"]) {
    assert.throws(() => new Sample({ percent: 1, seed }), { code: "usage.sample" });
  }
});

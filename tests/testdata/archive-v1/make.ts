/**
 * Makes the vectors of archive format version 1, in this folder. They were made once; readers of every later
 * version are held to the files as they are, so this is kept to show how, not to be run again.
 *
 *     deno run -A tests/testdata/archive-v1/make.ts
 */
import { ArchiveWriter } from "../../../core/archive/writer.ts";
import { codecNamed } from "../../../core/archive/codecs.ts";
import { readRecord } from "../../../core/catalog/record.ts";
import { type ArchiveHeader, type Compression, compressions } from "../../../core/archive/format.ts";
import { FramePool } from "../../../core/archive/frame_pool.ts";
import type { EntryInfo } from "../../../core/database.ts";
import type { Bytes } from "../../../core/streams/bytes.ts";
import { concat, sampleBytes, sha256 } from "../../fakes/sample_bytes.ts";

/** An entry of the vectors. */
interface VectorEntry extends EntryInfo {
  readonly content: Bytes;
  readonly rows?: number;
  readonly continues?: boolean;
}

/** What the archives hold; a plain tar goes without the large object, to stay small. */
function contents(compression: Compression): VectorEntry[] {
  const text = (content: string) => new TextEncoder().encode(content);
  const entries: VectorEntry[] = [
    { section: "schema", name: "tables.sql", content: text("create table users (id integer primary key);\n") },
    { section: "schema", name: "types.sql", content: text("") },
    // Two objects whose parts interleave; a row goes on in the next part.
    { section: "data", name: "users", object: 1, rows: 2, continues: true, content: sampleBytes(1500, 1) },
    { section: "data", name: "sales.\"order lines\"", object: 2, rows: 4, content: sampleBytes(512, 2) },
    { section: "data", name: "users", object: 1, rows: 1, content: sampleBytes(1, 3) },
    // Names are data.
    { section: "data", name: "../../etc/passwd", object: 3, rows: 1, content: sampleBytes(100, 4) },
    { section: "data", name: "na\u00efve \u{1f600}\n=\u2028", object: 4, rows: 1, content: sampleBytes(511, 5) },
    { section: "data", name: "n".repeat(70), object: 5, rows: 1, content: sampleBytes(513, 6) },
    { section: "data", name: "nothing", object: 6, rows: 0, content: new Uint8Array(0) },
    { section: "pages", name: "users", object: 1, content: sampleBytes(64, 8) },
    { section: "schema-after", name: "indexes.sql", content: text("create index by_id on users (id);\n") },
  ];
  // Larger than a frame.
  const large = concat([sampleBytes(5000, 7), new Uint8Array(5 << 20), sampleBytes(5000, 9)]);
  return compression === "none"
    ? entries
    : entries.toSpliced(8, 0, { section: "data", name: "large", object: 7, rows: 1000, content: large });
}

const folder = new URL(".", import.meta.url);
const listing: Record<string, unknown> = {};
await using pool = FramePool.open({ workers: 1 });
for (const [number, compression] of compressions.entries()) {
  const header: ArchiveHeader = {
    format: 1,
    id: `20261124T064758Z-full-000${number + 1}`,
    job: "vectors",
    engine: "sample",
    engineVersion: "1.0",
    type: "full",
    started: "2026-11-24T06:47:58Z",
    label: "vectors of version 1",
    options: { only: [], exclude: [], excludeData: [], proof: "rows" },
    properties: { encoding: "UTF-8", pageSize: 4096, strict: true },
    tool: "vaultra 0.1.0",
  };
  const codec = codecNamed(compression);
  const signal = new AbortController().signal;
  const level = codec.levels.default;
  const writer = new ArchiveWriter({ header, instructions: "", position: "start", compression, level, pool, signal });
  const output = Array.fromAsync(writer.output, (block) => block.slice());
  const entries = contents(compression);
  for (const { section, name, object, content, rows, continues } of entries) {
    const part = writer.begin({ section, name, ...(object === undefined ? {} : { object }) });
    await part.write({ bytes: content.slice(), release() {} });
    await part.end({ ...(rows === undefined ? {} : { rows }), ...(continues === true ? { continues } : {}) });
  }
  const names = new Map(entries.filter(({ section }) => section === "data").map(({ object, name }) => [object!, name]));
  const objects = [...names].map(([object, name]) => {
    const rows = entries.reduce((sum, entry) => sum + (entry.object === object ? entry.rows ?? 0 : 0), 0);
    return { name, kind: "table", object, rows };
  });
  const totals = await writer.finish({ stop: "stop", objects }, new Date("2026-11-24T06:48:00Z"));
  const name = `${header.id}${codec.extension}`;
  const { options: _options, properties: _properties, ...identity } = header;
  const record = {
    ...identity,
    finished: "2026-11-24T06:48:00.000Z",
    archive: { name, size: totals.size, sha256: totals.sha256, compression },
    manifest: totals.manifest,
    objects: totals.objects,
    rows: totals.rows,
    raw: totals.raw,
    proof: header.options.proof,
    milliseconds: 2000,
    log: { start: "start", stop: "stop" },
    warnings: 0,
  };
  const recordText = `${JSON.stringify(record, null, 2)}\n`;
  readRecord(new TextEncoder().encode(recordText));
  await Deno.writeFile(new URL(name, folder), concat(await output));
  await Deno.writeTextFile(new URL(`${header.id}.json`, folder), recordText);
  listing[name] = entries.map(({ section, name, object, content, rows = 0, continues = false }) => ({
    section,
    name,
    ...(object === undefined ? {} : { object }),
    rows,
    continues,
    raw: content.length,
    sha256: sha256(content),
  }));
}
await Deno.writeTextFile(new URL("contents.json", folder), `${JSON.stringify(listing, null, 2)}\n`);

import {
  type ForgedEntry,
  type Json,
  type Lies,
  paxBody,
  putText,
  soundEntries,
} from "../fakes/forged_archive.ts";
import { type Way, ways } from "../fakes/read_archive.ts";
import { concat, sha256 } from "../fakes/sample_bytes.ts";
import { entry, type Hostile, insert, line, manifest, NOT_BY_PIPE } from "./hostile_archive.ts";

const tarField = (at: number, text: string): Lies =>
  entry(0, { header: (block) => putText(block, at, text) });
const file = (path: string): ForgedEntry => ({ path, content: new Uint8Array(10) });
const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

/** Archives of sound frames whose entries, documents or record lie. */
export const hostileContents: readonly Hostile[] = [
  // Duplicate names.
  { name: "has a file twice", lies: insert(1, soundEntries()[0]!) },
  {
    name: "has a file twice but for case",
    lies: insert(1, { ...soundEntries()[0]!, path: "schema/TABLES.sql" }),
  },
  { name: "has a part twice", lies: insert(2, soundEntries()[1]!) },
  { name: "has the header twice", lies: { frames: (f) => f.toSpliced(1, 0, f[0]!) } },
  { name: "names two objects alike", lies: manifest((m) => m.objects[1].name = m.objects[0].name) },
  { name: "numbers two objects alike", lies: manifest((m) => m.objects[1].object = m.objects[0].object) },
  {
    name: "has a pax key twice",
    lies: entry(0, { pax: paxBody({ "VAULTRA.sha256": sha256(soundEntries()[0]!.content) }).repeat(2) }),
  },

  // Ranges.
  {
    name: "lists overlapping ranges",
    ...NOT_BY_PIPE,
    lies: { lines: (l) => l.with(3, { ...l[3], offset: l[3].offset - 10, stored: l[3].stored + 10 }) },
  },
  {
    name: "lists a range twice",
    ...NOT_BY_PIPE,
    lies: { lines: (l) => l.with(2, { ...l[2], at: l[1].at }) },
  },
  { name: "lists an entry twice", lies: { lines: (l) => l.toSpliced(2, 0, l[1]) } },
  { name: "lists a gap", ...NOT_BY_PIPE, lies: line(3, { offset: 1_000_000 }) },
  { name: "lists a range past the end", ...NOT_BY_PIPE, lies: line(3, { stored: 1_000_000 }) },
  { name: "lists a range at 2^53", ...NOT_BY_PIPE, lies: line(3, { offset: 2 ** 53 - 1 }) },
  { name: "lists a negative range", lies: line(3, { offset: -1 }) },
  { name: "lists an empty range", lies: line(3, { stored: 0 }) },
  {
    name: "lists a position within the frame that is no header",
    ...NOT_BY_PIPE,
    lies: line(2, { at: 2048 }),
  },
  {
    name: "puts the index over the data",
    ...NOT_BY_PIPE,
    lies: manifest((m) => m.index[0].offset = m.restore.stored),
  },
  { name: "puts the header elsewhere", ...NOT_BY_PIPE, lies: manifest((m) => m.header.offset = 1) },
  {
    name: "puts the header and RESTORE.md at one place",
    ...NOT_BY_PIPE,
    lies: manifest((m) => m.restore.at = 0),
  },

  // A manifest and an index that disagree with the tar.
  { name: "lists another hash", lies: line(1, { sha256: sha256(new Uint8Array(1)) }) },
  { name: "lists another length", lies: line(1, { raw: 999 }) },
  { name: "lists other rows", lies: line(1, { rows: 4 }) },
  { name: "lists another path", lies: line(0, { path: "schema/other.sql" }) },
  { name: "lists another part", lies: line(1, { path: "data/000001.users/00000002", part: 2 }) },
  { name: "lists another label", lies: line(1, { path: "data/000001.person/00000000" }) },
  { name: "lists a number that the path has not", lies: line(1, { object: 2 }) },
  { name: "denies that a row goes on", lies: line(1, { continues: undefined }) },
  { name: "claims that a row goes on", lies: line(3, { continues: true }) },
  { name: "ends in half a row", lies: entry(3, { continues: true }) },
  { name: "does not list a part", lies: entry(4, { unlisted: true }) },
  { name: "does not list a file", lies: insert(1, { ...file("schema/views.sql"), unlisted: true }) },
  {
    name: "lists a part that is not there",
    lies: {
      lines: (
        l,
      ) => [
        ...l.slice(0, 3),
        { ...l[2], path: "data/000001.users/00000002", part: 2, at: 10_240 },
        ...l.slice(3),
      ],
    },
  },
  {
    name: "gives the header another hash",
    lies: manifest((m) => m.header.sha256 = sha256(new Uint8Array(1))),
  },
  {
    name: "gives RESTORE.md another hash",
    lies: manifest((m) => m.restore.sha256 = sha256(new Uint8Array(1))),
    unseen: ["parts"],
  },
  {
    name: "gives the index another hash",
    lies: manifest((m) => m.index[0].sha256 = sha256(new Uint8Array(1))),
  },
  { name: "names an object otherwise than its parts", lies: manifest((m) => m.objects[0].name = "persons") },
  { name: "names an object otherwise in one part", lies: entry(2, { object: "persons" }) },
  { name: "leaves an object out", lies: manifest((m) => m.objects.pop()) },
  {
    name: "counts other rows",
    lies: manifest((m) => {
      m.objects[0].rows++, m.totals.rows++;
    }),
  },
  { name: "counts other parts", lies: manifest((m) => m.objects[0].parts++) },
  {
    name: "counts other bytes",
    lies: manifest((m) => {
      m.objects[0].raw++, m.totals.raw++;
    }),
  },
  { name: "counts other rows in all", lies: manifest((m) => m.totals.rows++) },
  { name: "counts other entries", lies: manifest((m) => m.totals.entries--) },
  { name: "counts 2^53 entries", lies: manifest((m) => m.totals.entries = 2 ** 53 - 1) },
  { name: "puts an object outside of the index", lies: manifest((m) => m.objects[0].index = [1, 1_000_000]) },
  { name: "puts an object into one that is not there", lies: manifest((m) => m.objects[0].within = 77) },
  {
    name: "has a manifest of another backup's id",
    lies: manifest((m) => m.id = "20261124T064758Z-full-0000"),
  },
  { name: "names no index", lies: manifest((m) => m.index = []) },
  { name: "names 100,000 pieces of index", lies: manifest((m) => m.index = Array(100_000).fill(m.index[0])) },

  // Forged sizes.
  { name: "claims a part of 8 GiB", lies: entry(3, { header: (b) => putText(b, 124, "77777777777\0") }) },
  { name: "claims a part of 256 MiB", lies: entry(3, { header: (b) => putText(b, 124, "02000000000\0") }) },
  {
    name: "claims a part of one byte more",
    lies: entry(1, { header: (b) => putText(b, 124, "00000001751\0") }),
  },
  {
    name: "claims a size in base 256",
    lies: entry(3, { header: (b) => b.set([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3], 124) }),
  },
  { name: "claims a negative size", lies: tarField(124, "-0000000001\0") },
  {
    name: "claims a manifest of 4 GiB",
    lies: { documentHeader: { "manifest.json": (b) => putText(b, 124, "40000000000\0") } },
  },
  {
    name: "claims a header of 32 MiB",
    lies: { documentHeader: { "vaultra.json": (b) => putText(b, 124, "00200000000\0") } },
  },
  { name: "lists a part of 2^53 bytes", lies: line(3, { raw: 2 ** 53 - 1 }) },
  { name: "lists a part of 256 MiB", lies: line(3, { raw: 256 << 20, stored: 200 << 20 }) },
  { name: "lists fractions", lies: line(3, { raw: 0.5 }) },
  { name: "lists text for a number", lies: line(3, { raw: "2500000" }) },

  // Bombs.
  {
    name: "has a frame of 512 MiB of zeros",
    lies: entry(3, { frames: (raw, compress) => [compress(concat([raw, new Uint8Array(512 << 20)]))] }),
    only: ["zstd", "gzip"],
    message: /more than/,
  },
  {
    name: "has a frame that tells 2^60 bytes",
    lies: entry(3, {
      frames: () => [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x23, 0, 0, 1)],
    }),
    only: ["zstd"],
    message: /more than/,
  },
  {
    name: "has a frame that looks back 2 GiB",
    lies: entry(3, {
      frames: () => [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x23, 0, 0, 1)],
    }),
    only: ["zstd"],
    message: /more than/,
  },
  {
    name: "has 400 MiB of zeros after a part",
    lies: entry(3, {
      frames: (raw, compress) => [compress(raw), ...Array(100).fill(compress(new Uint8Array(4 << 20)))],
    }),
    only: ["zstd", "gzip"],
  },
  {
    name: "has a pax header of 300 KiB",
    lies: entry(0, { pax: paxBody({ "VAULTRA.object": "x".repeat(300_000) }) }),
  },
  {
    name: "has ten thousand pax records",
    lies: entry(0, { pax: "30 VAULTRA.object=aaaaaaaaaaaa\n".repeat(8000) }),
  },
  {
    name: "has a pax header of foreign keys",
    lies: entry(0, { pax: paxBody({ path: "/etc/passwd", size: "1" }) }),
  },
  { name: "has a pax record of forged length", lies: entry(0, { pax: "999999 VAULTRA.sha256=0\n" }) },
  { name: "has a pax record of length 0", lies: entry(0, { pax: "0 VAULTRA.sha256=0\n".repeat(10) }) },
  { name: "has a pax header that sets __proto__", lies: entry(0, { pax: paxBody({ "__proto__": "1" }) }) },
  { name: "has no pax header", lies: entry(1, { pax: null }) },
  {
    name: "has a pax header without hash",
    lies: entry(1, { pax: paxBody({ "VAULTRA.object": "users", "VAULTRA.part": "0", "VAULTRA.rows": "3" }) }),
  },
  {
    name: "nests the manifest 100,000 deep",
    lies: { manifestText: (text) => `${text.slice(0, -1)},"x":${deep(100_000)}}` },
  },
  {
    name: "nests the header 100,000 deep",
    lies: { headerText: (text) => text.replace('"tool"', `"x":${deep(100_000)},"tool"`) },
  },
  {
    name: "nests an index line deep",
    lies: { indexText: (text) => text.replace('"rows":0', `"rows":${deep(300)}`) },
  },
  {
    name: "sets __proto__ in the manifest",
    lies: { manifestText: (text) => text.replace('"totals":{', '"__proto__":{"a":1},"totals":{') },
  },
  {
    name: "sets __proto__ in an object",
    lies: { manifestText: (text) => text.replace('"objects":[{', '"objects":[{"__proto__":{"a":1},') },
  },
  {
    name: "sets __proto__ in an index line",
    lies: { indexText: (text) => text.replace('{"path"', '{"__proto__":{"a":1},"path"') },
  },
  {
    name: "has an index line of 1 MiB",
    lies: { indexText: (text) => text.replace('{"path"', `{"x":"${"x".repeat(1 << 20)}","path"`) },
  },
  { name: "has an index without line feed", lies: { indexText: (text) => text.slice(0, -1) } },
  { name: "has an index that is not JSON", lies: { indexText: (text) => text.replace("{", "") } },
  { name: "has a manifest that is not JSON", lies: { manifestText: (text) => text.slice(1) } },
  {
    name: "names an object with half a character",
    lies: manifest((m) => m.objects[0].name = "\ud800"),
    only: ["none"],
  },
  { name: "has a manifest of null", lies: { manifestText: () => "null" } },
  { name: "has a manifest of nothing", lies: { manifestText: () => "" } },
  { name: "has a header of a list", lies: { header: () => [] } },
  { name: "lacks the end of the tar", lies: { end: new Uint8Array(0) } },
  { name: "has half an end of the tar", lies: { end: new Uint8Array(512) } },
  { name: "goes on after the end of the tar", lies: { end: new Uint8Array(1536) } },

  // Names are data.
  ...[
    "/etc/passwd",
    "../../etc/passwd",
    "schema/../../x",
    "schema/..",
    "schema/.",
    "schema/",
    "schema/a/b",
    "schema\\a",
    "C:\\x",
    "schema/con",
    "schema/NUL.sql",
    "schema/a ",
    "schema/a.",
    "schema/.bash\u0001",
    "data/000000.users/00000000",
    "data/000001./00000000",
    "data/1.users/0",
    "",
    ".",
    "vaultra.json",
    "manifest.json",
    "index/9.jsonl",
    "index/00.jsonl",
    "log/00000000",
  ].map((path): Hostile => ({ name: `has an entry '${path}'`, lies: insert(1, file(path)) })),
  { name: "has a label of '..'", lies: entry(1, { path: "data/000001.../00000000" }) },
  ...["1", "2", "3", "4", "5", "6", "7", "g", "L", "K", "S", "\0"].map((type): Hostile => ({
    name: `has an entry of type '${type}'`,
    lies: tarField(156, type),
  })),
  { name: "has a link's target", lies: tarField(157, "/etc/passwd") },
  { name: "has a path's prefix", lies: tarField(345, "../..") },
  { name: "has a header of GNU tar", lies: tarField(257, "ustar  \0") },
  {
    name: "has an object's name with NUL",
    lies: {
      entries: (e) => e.map((entry) => entry.object === "users" ? { ...entry, object: "us\0ers" } : entry),
    },
  },

  // Versions.
  {
    name: "is of format version 2 by its header",
    lies: { header: (h) => ({ ...h, format: 2 }) },
    code: "damaged.newer-format",
    message: /version 2/,
  },
  { name: "is of format version 0", lies: { header: (h) => ({ ...h, format: 0 }) } },
  { name: "is of format version '1'", lies: { header: (h) => ({ ...h, format: "1" }) } },

  // The record.
  ...([
    ["of another archive's hash", (r) => r.archive.sha256 = sha256(new Uint8Array(1)), ["verify"]],
    ["of another size", (r) => r.archive.size++, ["record", "verify"]],
    [
      "of another compression",
      (r) => r.archive.compression = r.archive.compression === "none" ? "zstd" : "none",
      ["record", "verify"],
    ],
    ["of another manifest's hash", (r) => r.manifest.sha256 = sha256(new Uint8Array(1)), [
      "record",
      "verify",
    ]],
    ["of another manifest's place", (r) => r.manifest.offset++, ["record", "verify"]],
    ["of a manifest past the end", (r) => r.manifest.offset = 2 ** 50, ["record", "verify"]],
    ["of a manifest of 2^53 bytes", (r) => r.manifest.stored = r.manifest.raw = 2 ** 53 - 1, [
      "record",
      "verify",
    ]],
    ["of another id", (r) => r.id = "20261124T064758Z-full-0000", ["record", "verify"]],
    ["of another job", (r) => r.job = "other", ["record", "verify"]],
    ["of other rows", (r) => r.rows++, ["record", "verify"]],
    ["of another log position", (r) => r.log.stop = "2", ["record", "verify"]],
  ] as const satisfies readonly (readonly [string, (record: Json) => void, readonly Way[]])[]).map((
    [name, change, seen],
  ): Hostile => ({
    name: `has a record ${name}`,
    lies: { record: (record) => void change(record) },
    unseen: ways.filter((way) => !(seen as readonly Way[]).includes(way)),
  })),
];

/**
 * Archives made by hand, from docs/archive-format.md alone: sound ones that any reader must read, and ones that
 * lie in exactly one place. Nothing here uses the archive's writer; only the codecs and the seek table are shared.
 *
 * @module
 */
import { encodeGzipTrailer } from "../../core/archive/codec_gzip.ts";
import { codecNamed } from "../../core/archive/codecs.ts";
import type { Compression } from "../../core/archive/format.ts";
import { FrameTable } from "../../core/archive/frame_table.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { concat, sampleBytes, sha256 } from "./sample_bytes.ts";

/** A value of JSON that a test changes at will. */
// deno-lint-ignore no-explicit-any -- lies have no type
export type Json = any;

/** One entry to forge. */
export interface ForgedEntry {
  readonly path: string;
  readonly content: Uint8Array;
  /** The records of its pax header; a string is the whole body; absent: derived from the other fields. */
  readonly pax?: Readonly<Record<string, string>> | string | null;
  /** Of parts: the object's true name. */
  readonly object?: string;
  readonly rows?: number;
  readonly continues?: boolean;
  /** Changes the entry's tar header before its checksum is written. */
  readonly header?: (block: Uint8Array) => void;
  /** Shares the frame of the entry before it. */
  readonly grouped?: boolean;
  /** The raw lengths of all frames but the last one; default: 2 MiB. */
  readonly pieces?: readonly number[];
  /** Makes the frames of the entry and of those that share them from their raw bytes. */
  readonly frames?: (raw: Bytes, compress: (raw: Uint8Array) => Bytes) => Uint8Array[];
  /** Stands in the tar and not in the index. */
  readonly unlisted?: boolean;
}

/** Where to lie. Each function changes its argument, or returns another value instead of it. */
export interface Lies {
  readonly compression?: Compression;
  /** The entries between RESTORE.md and the index. */
  readonly entries?: (entries: ForgedEntry[]) => ForgedEntry[];
  readonly header?: (header: Json) => Json;
  /** Changes the header's text, after its value. */
  readonly headerText?: (text: string) => string;
  readonly lines?: (lines: Json[]) => Json[];
  /** Changes the text of the index, after its lines. */
  readonly indexText?: (text: string) => string;
  readonly manifest?: (manifest: Json) => Json;
  /** Changes the manifest's text, after its value. */
  readonly manifestText?: (text: string) => string;
  /** Changes the tar header of `vaultra.json`, RESTORE.md, the index or the manifest. */
  readonly documentHeader?: Readonly<Record<string, (block: Uint8Array) => void>>;
  /** The tar's end. */
  readonly end?: Uint8Array;
  /** Changes the list of frames before the trailer is made. */
  readonly frames?: (frames: Uint8Array[], codec: (raw: Uint8Array) => Bytes) => Uint8Array[];
  readonly trailer?: (trailer: Uint8Array) => Uint8Array;
  /** Damages the archive after its record was made. */
  readonly archive?: (archive: Uint8Array) => Uint8Array;
  readonly record?: (record: Json) => Json;
}

/** A forged archive with its record. */
export interface ForgedArchive {
  readonly bytes: Bytes;
  readonly record: Json;
  /** Its frames, without the trailer, and where each begins. */
  readonly frames: readonly Uint8Array[];
  readonly offsets: readonly number[];
  /** The manifest that it holds. */
  readonly manifest: Json;
}

const encoder = new TextEncoder();
const TAR_BLOCK = 512;

/** The entries of the sound archive: files, a small object of two parts, a large one, page hashes. */
export function soundEntries(): ForgedEntry[] {
  return [
    { path: "schema/tables.sql", content: encoder.encode("create table users (id integer);\n") },
    {
      path: "data/000001.users/00000000",
      object: "users",
      rows: 3,
      content: sampleBytes(1000, 1),
      continues: true,
    },
    {
      path: "data/000001.users/00000001",
      object: "users",
      rows: 2,
      content: sampleBytes(777, 2),
      grouped: true,
    },
    {
      path: "data/000002.odd_name/00000000",
      object: "odd\u2028/../name",
      rows: 9,
      content: sampleBytes(300_000, 3),
      pieces: [150_000],
    },
    { path: "pages/000002.odd_name/00000000", object: "odd\u2028/../name", content: sampleBytes(160, 4) },
    {
      path: "schema-after/indexes.sql",
      content: encoder.encode("create index i on users (id);\n"),
      grouped: true,
    },
  ];
}

/** Makes the archive. Without lies it is sound. */
export function forge(lies: Lies = {}): ForgedArchive {
  const compression = lies.compression ?? "zstd";
  const codec = codecNamed(compression);
  const compress = (raw: Uint8Array) => codec.compress(raw, codec.levels.default);
  let frames: Uint8Array[] = [];
  const offset = () => frames.reduce((sum, { length }) => sum + length, 0);
  const id = "20261124T064758Z-full-7f3a";
  const identity = {
    format: 1,
    id,
    job: "orders",
    engine: "sqlite",
    engineVersion: "3.50.0",
    type: "full",
    started: "2026-11-24T06:47:58.000Z",
  };
  const header = changed(lies.header, {
    ...identity,
    options: { only: [], exclude: [], excludeData: [], proof: "rows" },
    properties: { pageSize: 4096 },
    tool: "vaultra 0.1.0",
  });

  /** Puts documents into frames and returns their places. */
  const document = (
    entries: readonly (readonly [path: string, content: Uint8Array])[],
    end: Uint8Array = new Uint8Array(0),
  ) => {
    let at = 0;
    const raw = entries.map(([path, content]) =>
      tarEntry({ path, content, header: lies.documentHeader?.[path] ?? (() => {}), pax: null })
    );
    const whole = concat([...raw, end]);
    const start = offset();
    const added = cut(whole, whole.length > 1 << 20 ? [] : [whole.length]).map(compress);
    frames.push(...added);
    return entries.map(([path, content], i) => {
      const place = {
        path,
        offset: start,
        stored: concat(added).length,
        at,
        raw: content.length,
        sha256: sha256(content),
      };
      at += raw[i]!.length;
      return place;
    });
  };

  const headerText = `${JSON.stringify(header)}\n`;
  const [headerPlace, restorePlace] = document([
    ["vaultra.json", encoder.encode(lies.headerText?.(headerText) ?? headerText)],
    ["RESTORE.md", encoder.encode("# Restore\n")],
  ]);

  const entries = lies.entries?.(soundEntries()) ?? soundEntries();
  let lines: Json[] = [];
  for (let i = 0; i < entries.length;) {
    const group = [entries[i]!];
    while (entries[i + group.length]?.grouped === true) group.push(entries[i + group.length]!);
    const raw = group.map(tarEntry);
    const start = offset();
    const { frames: framesOf = (raw: Bytes) => cut(raw, group[0]!.pieces).map(compress) } = group[0]!;
    const added = framesOf(concat(raw), compress);
    frames.push(...added);
    let at = 0;
    for (const [k, entry] of group.entries()) {
      if (entry.unlisted !== true) lines.push(lineOf(entry, start, concat(added).length, at));
      at += raw[k]!.length;
    }
    i += group.length;
  }
  lines = changed(lies.lines, lines);
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const index = document([["index/0.jsonl", encoder.encode(lies.indexText?.(text) ?? text)]]);

  const manifest = changed(lies.manifest, {
    format: 1,
    id,
    finished: "2026-11-24T06:48:58.000Z",
    header: headerPlace,
    restore: restorePlace,
    index,
    objects: objectsOf(lines, entries),
    totals: {
      entries: lines.length,
      objects: 2,
      rows: lines.reduce((sum, line) => sum + (line?.rows ?? 0), 0),
      raw: lines.reduce((sum, line) => sum + (line?.raw ?? 0), 0),
    },
    log: { start: "1", stop: "1" },
  });
  const manifestText = JSON.stringify(manifest);
  const manifestBytes = encoder.encode(lies.manifestText?.(manifestText) ?? manifestText);
  const [manifestPlace] = document(
    [["manifest.json", manifestBytes]],
    lies.end ?? new Uint8Array(2 * TAR_BLOCK),
  );

  frames = lies.frames?.(frames, compress) ?? frames;
  const { path: _, ...place } = manifestPlace!;
  const table = new FrameTable();
  for (const frame of frames) table.add(frame.length, rawLength(compression, frame));
  const trailers = {
    zstd: () => concat([...table.encode()]),
    gzip: () => encodeGzipTrailer(place),
    none: () => new Uint8Array(0),
  };
  const trailer = trailers[compression]();
  const whole = concat([...frames, lies.trailer?.(trailer) ?? trailer]);
  const record = changed(lies.record, {
    ...identity,
    finished: manifest.finished,
    archive: { name: `${id}${codec.extension}`, size: whole.length, sha256: sha256(whole), compression },
    manifest: place,
    objects: 2,
    rows: manifest.totals?.rows ?? 0,
    raw: manifest.totals?.raw ?? 0,
    proof: "rows",
    milliseconds: 60_000,
    log: { start: "1", stop: "1" },
    warnings: 0,
    tool: "vaultra 0.1.0",
  });
  const bytes = concat([lies.archive?.(whole) ?? whole]);
  return {
    bytes,
    record,
    manifest,
    frames,
    offsets: starts(frames),
  };
}

function changed(lie: ((value: Json) => Json) | undefined, value: Json): Json {
  return lie === undefined ? value : lie(value) ?? value;
}

function lineOf(entry: ForgedEntry, offset: number, stored: number, at: number): Json {
  const part = /^(?:data|pages)\/(\d{6})\..*\/(\d{8})$/.exec(entry.path);
  return {
    path: entry.path,
    ...(part === null ? {} : { object: Number(part[1]), part: Number(part[2]) }),
    offset,
    stored,
    at,
    raw: entry.content.length,
    rows: entry.rows ?? 0,
    ...(entry.continues === true ? { continues: true } : {}),
    sha256: sha256(entry.content),
  };
}

function objectsOf(lines: readonly Json[], entries: readonly ForgedEntry[]): Json[] {
  const objects = new Map<number, Json>();
  for (const [at, line] of lines.entries()) {
    if (typeof line?.object !== "number" || typeof line.path !== "string") continue;
    const name = entries.find(({ path }) => path === line.path)?.object ?? "unknown";
    const object = objects.get(line.object) ??
      { name, kind: "table", object: line.object, rows: 0, raw: 0, parts: 0, index: [at, at] };
    if (line.path.startsWith("data/")) {
      object.rows += line.rows;
      object.raw += line.raw;
      object.parts++;
    }
    object.index = [object.index[0], at];
    objects.set(line.object, object);
  }
  return [...objects.values()];
}

/** An entry as it stands in the tar: pax header, header, content, padding. */
function tarEntry(entry: ForgedEntry): Bytes {
  const blocks: Uint8Array[] = [];
  if (entry.pax !== null) {
    const body = encoder.encode(
      typeof entry.pax === "string" ? entry.pax : paxBody(entry.pax ?? paxOf(entry)),
    );
    blocks.push(
      tarHeader("PaxHeader", body.length, "x", () => {}),
      body,
      new Uint8Array(padding(body.length)),
    );
  }
  blocks.push(tarHeader(entry.path, entry.content.length, "0", entry.header ?? (() => {})));
  blocks.push(entry.content, new Uint8Array(padding(entry.content.length)));
  return concat(blocks);
}

function paxOf(entry: ForgedEntry): Record<string, string> {
  const part = /\/(\d{8})$/.exec(entry.path);
  return {
    ...(entry.object === undefined ? {} : {
      "VAULTRA.object": entry.object,
      "VAULTRA.part": String(Number(part?.[1] ?? 0)),
      "VAULTRA.rows": String(entry.rows ?? 0),
    }),
    "VAULTRA.sha256": sha256(entry.content),
    ...(entry.continues === true ? { "VAULTRA.continues": "1" } : {}),
  };
}

/** The body of a pax header: `<length> <key>=<value>\n`, where the length counts itself. */
export function paxBody(records: Readonly<Record<string, string>>): string {
  return Object.entries(records).map(([key, value]) => {
    const rest = encoder.encode(` ${key}=${value}\n`).length;
    let length = rest + 1;
    while (String(length).length + rest !== length) length = String(length).length + rest;
    return `${length} ${key}=${value}\n`;
  }).join("");
}

function tarHeader(path: string, size: number, type: string, change: (block: Uint8Array) => void): Bytes {
  const block = new Uint8Array(TAR_BLOCK);
  const put = (at: number, text: string) => void encoder.encodeInto(text, block.subarray(at));
  put(0, path);
  put(100, "0000600\0" + "0000000\0" + "0000000\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0` + "15060404616\0");
  put(156, type);
  put(257, "ustar\0" + "00");
  put(329, "0000000\0" + "0000000\0");
  change(block);
  block.fill(0x20, 148, 156);
  put(148, `${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** Writes text into a tar header. */
export function putText(block: Uint8Array, at: number, text: string): void {
  encoder.encodeInto(text, block.subarray(at));
}

function cut(raw: Uint8Array, pieces: readonly number[] = [2 << 20]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; at < raw.length; i++) {
    const length = pieces[i] ?? (pieces.length === 1 ? 2 << 20 : raw.length - at);
    frames.push(raw.subarray(at, at + length));
    at += length;
  }
  return frames;
}

function starts(frames: readonly Uint8Array[]): number[] {
  let at = 0;
  return frames.map(({ length }) => (at += length) - length);
}

function rawLength(compression: Compression, frame: Uint8Array): number {
  try {
    return codecNamed(compression).decompress(frame, 1 << 30).length;
  } catch {
    return 0;
  }
}

function padding(length: number): number {
  return (TAR_BLOCK - length % TAR_BLOCK) % TAR_BLOCK;
}

/**
 * The archive's own documents, version 1, as docs/archive-format.md defines them: the header (`vaultra.json`),
 * the index, the manifest and the record. Whoever reads one from outside validates it here.
 *
 * @module
 */
import { z } from "zod";
import { isKey } from "../store_key.ts";

/** The format version that this code writes and the newest that it reads. */
export const FORMAT_VERSION = 1;

/** The longest part, by how many bytes of its object went before: 16 MiB, and 64 MiB once past 64 GiB. */
export function partLimit(bytesBefore: number): number {
  return bytesBefore < 64 * 2 ** 30 ? 16 << 20 : 64 << 20;
}

/** The longest part that a reader accepts: 256 MiB. */
export const MAX_PART_BYTES = 256 << 20;

/** The compressions of format version 1. */
export const compressions = ["zstd", "gzip", "none"] as const;
/** How the archive is compressed. */
export type Compression = (typeof compressions)[number];

/** What a name may be: no control characters beyond what engines allow, bounded. */
const name = z.string().min(1).max(65_536);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.iso.datetime();
/** A job's name as it stands in keys. */
export const jobName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/)
  .refine(isKey, "is no folder's name on every system");
/** A backup's id: `20261124T064758Z-full-7f3a`. */
export const backupId = z.string().regex(
  /^\d{8}T\d{6}Z-(full|incremental|differential)-[0-9a-f]{4}(-globals)?$/,
);

/**
 * An age recipient as a record names it: the first 16 hexadecimal digits of the SHA-256 of its text (`age1…`), or `passphrase`.
 * Tells which identity is needed, and not whose it is.
 */
export const recipientFingerprint = z.string().regex(/^([0-9a-f]{16}|passphrase)$/);

const identity = {
  format: z.literal(FORMAT_VERSION),
  id: backupId,
  job: jobName,
  engine: z.string().min(1).max(100),
  /** The version of the server or library that was read. */
  engineVersion: z.string().max(200),
  type: z.enum(["full", "incremental", "differential"]),
  /** The backup that this one builds on, and the SHA-256 of its record's bytes. */
  parent: z.object({ id: backupId, record: sha256 }).optional(),
  started: time,
};

/** `vaultra.json`: the archive's first entry. */
export const archiveHeader = z.object({
  ...identity,
  label: z.string().max(1000).optional(),
  /** The options that shaped the backup. */
  options: z.object({
    only: z.array(z.string()),
    exclude: z.array(z.string()),
    excludeData: z.array(z.string()),
    proof: z.enum(["none", "rows", "content"]),
  }),
  /** Of the database, engine by engine: page size, encoding, … */
  properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  tool: z.string().max(100),
});
/** `vaultra.json`: the archive's first entry. */
export type ArchiveHeader = z.infer<typeof archiveHeader>;

/**
 * One line of the index: an entry between `RESTORE.md` and the index, in the archive's order.
 * `offset` and `stored` are the range of whole frames that hold the entry; `at` is where the entry's first tar
 * header begins in those frames' raw bytes; `raw` is the length of its content.
 */
export interface IndexEntry {
  readonly path: string;
  /** The object's number and the part's; only of entries that are parts. */
  readonly object?: number;
  readonly part?: number;
  readonly offset: number;
  readonly stored: number;
  readonly at: number;
  readonly raw: number;
  readonly rows: number;
  readonly continues?: true;
  readonly sha256: string;
}

/** Where an entry of the archive lies, as the manifest names the header, RESTORE.md and the index's pieces. */
const place = z.object({
  path: z.string().max(300),
  offset: count,
  stored: count,
  at: count,
  raw: count,
  sha256,
});
/** Where an entry of the archive lies. */
export type Place = z.infer<typeof place>;

const manifestObject = z.object({
  name,
  kind: z.string().min(1).max(100),
  /** The number of its entries: `data/000001.…`. */
  object: count.min(1).optional(),
  /** The number of the object whose data holds this one. */
  within: count.min(1).optional(),
  rows: count.optional(),
  /** `algorithm:hex`. */
  proof: z.string().regex(/^[a-z0-9-]{1,40}:[0-9a-f]{2,128}$/).optional(),
  /** Raw bytes and parts of its data. */
  raw: count.optional(),
  parts: count.optional(),
  /** Lines of the index, counted from 0 over all its pieces, between which all its entries stand: [first, last]. */
  index: z.tuple([count, count]).optional(),
});
/** One object in the manifest. */
export type ManifestObject = z.infer<typeof manifestObject>;

/** `manifest.json`: the archive's last entry. */
export const manifest = z.object({
  format: z.literal(FORMAT_VERSION),
  id: backupId,
  finished: time,
  /** The header's own bytes, so that it can't be exchanged. */
  header: place,
  restore: place,
  /** The index's pieces, in order, 65,536 lines each. */
  index: z.array(place).max(100_000),
  objects: z.array(manifestObject),
  totals: z.object({
    /** Lines in the index. */
    entries: count,
    objects: count,
    rows: count,
    /** Raw bytes of all entries in the index. */
    raw: count,
  }),
  /** The engine's log position where this backup stands and where the next incremental begins. */
  log: z.object({ start: z.string(), stop: z.string() }),
  /** What a person must know of this backup, each a sentence. */
  warnings: z.array(z.string().max(10_000)).max(10_000).optional(),
});
/** `manifest.json`: the archive's last entry. */
export type Manifest = z.infer<typeof manifest>;

/** The record: the commit mark beside the archive. It names no table, user or host. */
export const backupRecord = z.object({
  ...identity,
  finished: time,
  label: z.string().max(1000).optional(),
  archive: z.object({
    /** The object's name beside the record: `<id>.tar.zst`. */
    name: z.string().regex(/^[A-Za-z0-9-]{1,100}\.tar(\.zst|\.gz)?(\.age)?$/),
    size: count,
    sha256,
    compression: z.enum(compressions),
  }),
  /** Whom the archive is encrypted to; absent: it is not encrypted. */
  encryption: z.object({ recipients: z.array(recipientFingerprint).min(1).max(1000) }).optional(),
  /** Where the manifest's frames lie in the (decrypted) archive, and the SHA-256 of the manifest's own bytes. */
  manifest: z.object({ offset: count, stored: count, at: count, raw: count, sha256 }),
  objects: count,
  rows: count,
  /** Raw bytes of the database's content. */
  raw: count,
  proof: z.enum(["none", "rows", "content"]),
  milliseconds: count,
  log: z.object({ start: z.string(), stop: z.string() }),
  /** How many things of this backup a person must know. Their sentences may name tables, and stand in the manifest. */
  warnings: count,
  tool: z.string().max(100),
});
/** The record: the commit mark beside the archive. */
export type BackupRecord = z.infer<typeof backupRecord>;

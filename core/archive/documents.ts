/**
 * Reads an archive's documents from their bytes, which nobody has vouched for yet.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { parseJson } from "./bounded_json.ts";
import {
  type ArchiveHeader,
  archiveHeader,
  type BackupRecord,
  backupRecord,
  FORMAT_VERSION,
  type Manifest,
  manifest as manifestSchema,
} from "./format.ts";
import { MAX_DOCUMENT_BYTES } from "./limits.ts";
import { checkObjects, damagedManifest } from "./manifest.ts";

/** The longest record: 16 MiB. */
const MAX_RECORD_BYTES = 16 << 20;

const OTHER_COPY = "Restore another backup, or read another copy of this one.";

/**
 * The header in the bytes of `vaultra.json`.
 * @throws {VaultraError} `damaged.header`, `damaged.newer-format`
 */
export function parseHeader(bytes: Uint8Array): ArchiveHeader {
  const what = "The archive's header";
  const value = parseJson(bytes, {
    what,
    code: "damaged.header",
    maxBytes: MAX_DOCUMENT_BYTES,
    hint: OTHER_COPY,
  });
  refuseNewer(value, what);
  const parsed = archiveHeader.safeParse(value);
  if (!parsed.success) throw malformed("damaged.header", what, parsed.error);
  return parsed.data;
}

/**
 * The manifest in the bytes of `manifest.json`, consistent in itself.
 * @throws {VaultraError} `damaged.manifest`, `damaged.newer-format`
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  const what = "The archive's manifest";
  const value = parseJson(bytes, {
    what,
    code: "damaged.manifest",
    maxBytes: MAX_DOCUMENT_BYTES,
    hint: OTHER_COPY,
  });
  refuseNewer(value, what);
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw malformed("damaged.manifest", what, parsed.error);
  checkObjects(parsed.data);
  return parsed.data;
}

/**
 * The record in the bytes of `<id>.json`.
 * @throws {VaultraError} `damaged.record`, `damaged.newer-format`
 */
export function parseRecord(bytes: Uint8Array): BackupRecord {
  const what = "The backup's record";
  const value = parseJson(bytes, {
    what,
    code: "damaged.record",
    maxBytes: MAX_RECORD_BYTES,
    hint: OTHER_COPY,
  });
  refuseNewer(value, what);
  const parsed = backupRecord.safeParse(value);
  if (!parsed.success) throw malformed("damaged.record", what, parsed.error);
  return parsed.data;
}

/**
 * Holds the header against the record that led to the archive.
 * @throws {VaultraError} `damaged.header` when they are of two backups
 */
export function compareWithRecord(header: ArchiveHeader, manifest: Manifest, record: BackupRecord): void {
  const keys = ["id", "job", "engine", "engineVersion", "type", "started"] as const;
  const differing = keys.find((key) => header[key] !== record[key]);
  const sameParent = header.parent?.id === record.parent?.id &&
    header.parent?.record === record.parent?.record;
  if (differing !== undefined || !sameParent) {
    throw new VaultraError(
      "damaged.header",
      `The archive's ${differing ?? "parent"} is not the one in its record`,
      {
        hint: "Archive and record are of two different backups; restore another backup.",
      },
    );
  }
  const { totals, log } = manifest;
  const agrees = totals.objects === record.objects && totals.rows === record.rows &&
    totals.raw === record.raw &&
    log.start === record.log.start && log.stop === record.log.stop;
  if (!agrees) throw damagedManifest("The manifest's totals or log positions are not those of the record");
}

function refuseNewer(value: unknown, what: string): void {
  const format = typeof value === "object" && value !== null
    ? (value as { format?: unknown }).format
    : undefined;
  if (typeof format === "number" && Number.isInteger(format) && format > FORMAT_VERSION) {
    throw new VaultraError(
      "damaged.newer-format",
      `${what} is of format version ${format}; this Vaultra reads version ${FORMAT_VERSION}`,
      {
        hint: "Install a newer Vaultra.",
      },
    );
  }
}

function malformed(
  code: "damaged.header" | "damaged.manifest" | "damaged.record",
  what: string,
  cause: unknown,
) {
  return new VaultraError(code, `${what} is malformed`, {
    hint: OTHER_COPY,
    cause,
  });
}

/**
 * Reads an archive's documents from their bytes, which nobody has vouched for yet.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import {
  type ArchiveHeader,
  archiveHeader,
  type BackupRecord,
  type Manifest,
  manifest as manifestSchema,
} from "./format.ts";
import { MAX_DOCUMENT_BYTES } from "./limits.ts";
import { checkObjects, damagedManifest } from "./manifest.ts";
import { parseDocument } from "./parse_document.ts";

const subject = {
  maxBytes: MAX_DOCUMENT_BYTES,
  hint: OTHER_BACKUP,
};

/**
 * The header in the bytes of `vaultra.json`.
 * @throws {VaultraError} `damaged.header`, `damaged.newer-format`
 */
export function parseHeader(bytes: Uint8Array): ArchiveHeader {
  return parseDocument(bytes, archiveHeader, {
    ...subject,
    what: "The archive's header",
    code: "damaged.header",
  });
}

/**
 * The manifest in the bytes of `manifest.json`, consistent in itself.
 * @throws {VaultraError} `damaged.manifest`, `damaged.newer-format`
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  const manifest = parseDocument(bytes, manifestSchema, {
    ...subject,
    what: "The archive's manifest",
    code: "damaged.manifest",
  });
  checkObjects(manifest);
  return manifest;
}

/**
 * Holds header and manifest against the record that led to the archive.
 * @throws {VaultraError} `damaged.header` when they are of two backups, `damaged.manifest`
 */
export function compareWithRecord(header: ArchiveHeader, manifest: Manifest, record: BackupRecord): void {
  compareHeader(header, record);
  const { totals, log } = manifest;
  const agrees = totals.objects === record.objects && totals.rows === record.rows &&
    totals.raw === record.raw &&
    log.start === record.log.start && log.stop === record.log.stop;
  if (!agrees) throw damagedManifest("The manifest's totals or log positions are not those of the record");
}

/**
 * Holds the header against the record that led to the archive.
 * @throws {VaultraError} `damaged.header` when they are of two backups
 */
export function compareHeader(header: ArchiveHeader, record: BackupRecord): void {
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
}

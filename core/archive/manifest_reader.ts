import { VaultraError } from "../errors.ts";
import type { Bytes } from "../streams/bytes.ts";
import { sha256Of } from "./archive_entry.ts";
import { joinBlocks } from "./documents.ts";
import { MANIFEST_PATH } from "./entry_path.ts";
import type { BackupRecord, Compression } from "./format.ts";
import { MAX_DOCUMENT_BYTES } from "./limits.ts";
import { damagedManifest } from "./manifest.ts";
import { maxStored, type RangeReader } from "./range_reader.ts";
import type { RangeSource } from "./range_source.ts";
import { parseTarHeader, TAR_BLOCK } from "./tar.ts";
import { TarParser } from "./tar_parser.ts";
import { findManifest, type FrameRange, TRAILER_TAIL_BYTES } from "./trailer.ts";

/** The manifest's own bytes, and the frames that hold it, the last before the trailer. */
export interface FoundManifest extends FrameRange {
  readonly bytes: Bytes;
}

/**
 * Reads the manifest: by the record when there is one, else by the archive's trailer.
 * @throws {VaultraError} `damaged.truncated` when the archive ends in no trailer; `damaged.hash`, `damaged.manifest`
 */
export async function readManifest(
  source: RangeSource,
  compression: Compression,
  ranges: RangeReader,
  record: BackupRecord | undefined,
): Promise<FoundManifest> {
  const range = record?.manifest ?? await locate(source, compression, ranges);
  const frames = await ranges.frames(range, record?.manifest.raw ?? MAX_DOCUMENT_BYTES);
  const parser = new TarParser();
  const entries = frames.flatMap((frame) => {
    const whole = parser.push(frame);
    if (parser.taken !== frame.length) throw damagedManifest("Bytes follow the end of the archive's tar");
    return whole;
  });
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1 || entry.path !== MANIFEST_PATH || !parser.ended) {
    throw damagedManifest("The archive does not end in its manifest");
  }
  if (record !== undefined && sha256Of(entry.content) !== record.manifest.sha256) {
    throw new VaultraError(
      "damaged.hash",
      "The archive's manifest does not match the SHA-256 in its record",
      {
        hint: "Restore another backup, or read another copy of this one.",
      },
    );
  }
  return { offset: range.offset, stored: range.stored, bytes: joinBlocks(entry.content) };
}

/** The manifest's frames by the trailer. */
async function locate(
  source: RangeSource,
  compression: Compression,
  ranges: RangeReader,
): Promise<FrameRange> {
  const length = Math.min(source.size, TRAILER_TAIL_BYTES);
  const tail = await source.read(source.size - length, length);
  const search = findManifest(compression, tail, source.size, maxStored(MAX_DOCUMENT_BYTES));
  if (search === null) throw unfinished();
  let end = search.end;
  for (const offset of search.offsets) {
    const [first] = await ranges.frames({ offset, stored: end - offset }, MAX_DOCUMENT_BYTES);
    if (first !== undefined && beginsManifest(first)) return { offset, stored: search.end - offset };
    end = offset;
  }
  throw damagedManifest("The archive's trailer does not lead to its manifest");
}

/** Whether the raw bytes begin with the manifest's header. No content of a manifest can, since JSON holds no NUL. */
function beginsManifest(raw: Bytes): boolean {
  if (raw.length < TAR_BLOCK) return false;
  try {
    return parseTarHeader(raw, 0)?.path === MANIFEST_PATH;
  } catch (error) {
    if (error instanceof VaultraError && error.code === "damaged.tar") return false;
    throw error;
  }
}

/** The error for an archive without a manifest. */
export function unfinished(): VaultraError {
  return new VaultraError("damaged.truncated", "The archive has no manifest", {
    hint: "It was not finished or was cut short. Restore another backup, or another copy of this one.",
  });
}

import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import { joinBlocks } from "../streams/blocks.ts";
import type { Bytes } from "../streams/bytes.ts";
import { sha256Of } from "./archive_entry.ts";
import type { FrameRange } from "./codec.ts";
import { MANIFEST_PATH } from "./entry_path.ts";
import type { BackupRecord, Compression } from "./format.ts";
import { MAX_DOCUMENT_BYTES } from "./limits.ts";
import { damagedManifest } from "./manifest.ts";
import { maxStored, type RangeReader, unreadable } from "./range_reader.ts";
import type { RangeSource } from "./range_source.ts";
import { parseTarHeader, TAR_BLOCK } from "./tar.ts";
import { TarParser } from "./tar_parser.ts";
import { findManifest, TRAILER_TAIL_BYTES } from "./trailer.ts";

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
  const find = async () => {
    const range = record?.manifest ?? await locate(source, compression, ranges);
    return { range, frames: await ranges.frames(range, record?.manifest.raw ?? MAX_DOCUMENT_BYTES) };
  };
  const { range, frames } = await find().catch((error) => {
    throw unreadable(MANIFEST_PATH, error);
  });
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
        hint: OTHER_BACKUP,
      },
    );
  }
  return { offset: range.offset, stored: range.stored, bytes: joinBlocks(entry.content) };
}

/** The manifest's frames, found from the archive's end. */
async function locate(
  source: RangeSource,
  compression: Compression,
  ranges: RangeReader,
): Promise<FrameRange> {
  if (compression === "none") return await locateInTar(source);
  const tail = await readTail(source, TRAILER_TAIL_BYTES);
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

/** Looks for the manifest's header block by block, from the end of a plain tar. */
async function locateInTar(source: RangeSource): Promise<FrameRange> {
  const most = Math.min(source.size, MAX_DOCUMENT_BYTES + (1 << 20));
  for (let length = Math.min(TRAILER_TAIL_BYTES, most), seen = 0;; length = Math.min(length * 16, most)) {
    const tail = await readTail(source, length);
    for (let at = tail.length - TAR_BLOCK - seen; at >= 0; at -= TAR_BLOCK) {
      if (beginsManifest(tail.subarray(at))) {
        return { offset: source.size - tail.length + at, stored: tail.length - at };
      }
      seen += TAR_BLOCK;
    }
    if (length === most) throw unfinished();
  }
}

function readTail(source: RangeSource, bytes: number): Promise<Bytes> {
  const length = Math.min(source.size, bytes);
  return source.read(source.size - length, length);
}

/** Whether the raw bytes begin with the manifest's header. No content of a manifest does, since JSON holds no NUL. */
function beginsManifest(raw: Bytes): boolean {
  if (raw.length < TAR_BLOCK || raw[0] !== MANIFEST_PATH.charCodeAt(0)) return false;
  try {
    return parseTarHeader(raw)?.path === MANIFEST_PATH;
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

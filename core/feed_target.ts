/**
 * How the content of an archive reaches the target of a restore: in one stream, or part by part as it asks.
 *
 * @module
 */
import { freeEntry } from "./archive/archive_entry.ts";
import type { IndexEntry } from "./archive/format.ts";
import { ArchiveReader } from "./archive/reader.ts";
import type { PartReader, RestoreEntry, RestoreTarget, Section } from "./database.ts";
import { VaultraError } from "./errors.ts";
import { OTHER_BACKUP } from "./hints.ts";
import type { Operation } from "./operation.ts";
import type { OpenOrigin } from "./restore_origin.ts";
import { joinBlocks } from "./streams/blocks.ts";

/**
 * Gives the target every entry, in the archive's order.
 * @throws {VaultraError} `damaged.*`; what the target throws
 */
export async function writeAll(
  { reader, bytesRead }: OpenOrigin,
  target: RestoreTarget,
  operation: Operation,
): Promise<void> {
  let bytes = 0;
  let rows = 0;
  const total = reader instanceof ArchiveReader ? { total: reader.manifest.totals.raw } : {};
  // One entry is written while the next one is read and checked.
  let written = Promise.resolve();
  let before: RestoreEntry | undefined;
  try {
    for await (const entry of reader instanceof ArchiveReader ? reader.stream() : reader.entries()) {
      operation.signal.throwIfAborted();
      const length = entry.bytes.reduce((sum, block) => sum + block.length, 0);
      await written;
      if (before !== undefined && reader instanceof ArchiveReader) freeEntry(before);
      before = entry;
      written = target.write(entry);
      written.catch(() => {});
      bytes += length;
      rows += entry.rows;
      operation.listener({ type: "progress", bytes, stored: bytesRead(), rows, ...total });
    }
  } finally {
    await written;
  }
}

/**
 * Lets the target read the parts that it needs.
 * @throws {VaultraError} `usage.needs-ranges` when the archive comes out of a pipe; `damaged.*`; what the target throws
 */
export async function pullParts(
  { reader, bytesRead }: OpenOrigin,
  target: RestoreTarget,
  operation: Operation,
): Promise<void> {
  if (!(reader instanceof ArchiveReader)) {
    throw new VaultraError("usage.needs-ranges", "Single objects can't be restored from a pipe", {
      hint: "Save the archive as a file and give its path with --from.",
    });
  }
  let bytes = 0;
  const lines = new Map<string, readonly IndexEntry[]>();
  const linesOf = async (section: Section, object: number) => {
    const key = `${section}/${object}`;
    const known = lines.get(key) ?? await Array.fromAsync(reader.entries({ section, object }));
    lines.set(key, known);
    return known;
  };
  const parts: PartReader = {
    layout: async (section, object) => (await linesOf(section, object)).map((line) => line.raw),
    async read(section, object, part) {
      operation.signal.throwIfAborted();
      const line = (await linesOf(section, object))[part];
      if (line === undefined) {
        throw new VaultraError("damaged.index", `The archive has no part ${part} of object ${object}`, {
          hint: OTHER_BACKUP,
        });
      }
      const block = joinBlocks((await reader.read(line)).bytes);
      bytes += block.length;
      operation.listener({ type: "progress", bytes, stored: bytesRead() });
      return block;
    },
  };
  await target.pull(parts);
}

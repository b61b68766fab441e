import type { ArchiveEntry } from "./archive/archive_entry.ts";
import type { WholePart } from "./archive/found_object.ts";
import type { FramePool } from "./archive/frame_pool.ts";
import { readWhole, type SalvageReader } from "./archive/salvage_reader.ts";
import type { PartReader, RestoreTarget, Section } from "./database.ts";
import { VaultraError } from "./errors.ts";
import { OTHER_BACKUP } from "./hints.ts";
import type { OpenDamaged } from "./open_damaged.ts";
import type { Operation } from "./operation.ts";
import { joinBlocks } from "./streams/blocks.ts";
import type { Bytes } from "./streams/bytes.ts";

/** Reads the whole parts of an archive again, by ranges, once a reader has found them. */
export class SalvageParts implements PartReader {
  readonly #reader: SalvageReader;
  readonly #opened: OpenDamaged;
  readonly #pool: FramePool;
  readonly #operation: Operation;
  #bytes = 0;

  constructor(reader: SalvageReader, opened: OpenDamaged, pool: FramePool, operation: Operation) {
    this.#reader = reader;
    this.#opened = opened;
    this.#pool = pool;
    this.#operation = operation;
  }

  /** Lengths of missing parts too, as far as they are known: what comes after an unknown one has no place. */
  layout(section: Section, object: number): Promise<readonly number[]> {
    return Promise.resolve(this.#reader.inventory.layout(section, object));
  }

  /** @throws {VaultraError} `damaged.missing-part` */
  async read(section: Section, object: number, part: number): Promise<Bytes> {
    const found = this.#reader.inventory.part(section, object, part);
    if (found === undefined) {
      throw new VaultraError(
        "damaged.missing-part",
        `Part ${part} of object ${object} is missing or damaged`,
        {
          hint: OTHER_BACKUP,
        },
      );
    }
    return joinBlocks((await this.#read(found)).bytes);
  }

  /** Writes every whole entry, in the order of a restore. */
  async writeTo(target: RestoreTarget): Promise<void> {
    for (const part of this.#reader.inventory.whole()) {
      const { bytes } = await this.#read(part);
      await target.write({ ...part, bytes });
    }
  }

  async #read(part: WholePart): Promise<ArchiveEntry> {
    const { signal, listener } = this.#operation;
    signal.throwIfAborted();
    const { source, bytesRead } = this.#opened;
    const stream = source!.stream(part.offset, part.stored);
    const entry = await readWhole(stream, part, this.#reader.compression, { pool: this.#pool, signal });
    this.#bytes += part.raw;
    listener({ type: "progress", bytes: this.#bytes, stored: bytesRead() });
    return entry;
  }
}

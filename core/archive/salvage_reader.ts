import { joinBlocks } from "../streams/blocks.ts";
import { ByteWindow } from "../streams/byte_window.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import { type ArchiveEntry, sha256Of } from "./archive_entry.ts";
import { archiveKind, notAnArchive } from "./archive_kind.ts";
import { codecNamed, recognize, RECOGNIZE_BYTES } from "./codecs.ts";
import { compareHeader, parseHeader, parseManifest } from "./documents.ts";
import { HEADER_PATH, MANIFEST_PATH, RESTORE_PATH } from "./entry_path.ts";
import {
  type ArchiveHeader,
  type BackupRecord,
  type Compression,
  compressions,
  type Manifest,
} from "./format.ts";
import type { FramePool } from "./frame_pool.ts";
import { EntrySalvage, type FoundEntry } from "./salvage_entries.ts";
import { firstMagic, FrameSalvage, isDamage } from "./salvage_frames.ts";
import type { WholePart } from "./found_object.ts";
import { SalvageInventory } from "./salvage_inventory.ts";

/** How a damaged archive is read. */
export interface SalvageReaderOptions {
  readonly pool: FramePool;
  readonly signal: AbortSignal;
  /** How the archive is compressed, by its name or record: counts when its first bytes do not tell. */
  readonly compression?: Compression;
  /** The backup's record, when it is known: tells its start, and what its header and its manifest are. */
  readonly record?: BackupRecord | undefined;
}

/** How far a damaged beginning is searched for anything that an archive holds: 8 MiB. */
const SEARCH_BYTES = 8 << 20;

/**
 * Reads what is left of an archive, from its first byte to its last, and never stops at damage. It needs neither
 * manifest nor index: each file and each part is whole exactly when its content has the SHA-256 of its own header, and only
 * those are handed out. What belongs to another backup, whose start is another time, is left out.
 */
export class SalvageReader {
  readonly compression: Compression;
  /** What was found, complete when {@linkcode SalvageReader.entries} has ended. */
  readonly inventory = new SalvageInventory();
  readonly #frames: FrameSalvage;
  readonly #entries: EntrySalvage;
  readonly #record: BackupRecord | undefined;
  /** When every entry of the archive was changed: the backup's start, in seconds since 1970. */
  #modified: number | undefined;
  #header: ArchiveHeader | undefined;
  #headerHash: string | undefined;
  #manifest: Manifest | undefined;
  #hasInstructions = false;
  #foreign = 0;

  private constructor(compression: Compression, stream: ByteStream, options: SalvageReaderOptions) {
    const { pool, signal, record } = options;
    this.compression = compression;
    this.#record = record;
    if (record !== undefined) this.#modified = Math.floor(Date.parse(record.started) / 1000);
    this.#frames = new FrameSalvage(stream, { codec: codecNamed(compression), pool, signal });
    this.#entries = new EntrySalvage(this.#frames.frames(), compression !== "none", (broken) => {
      const { path, pax, size, modified } = broken;
      if (pax.object === undefined || !this.#isOurs(modified)) return;
      this.inventory.note(path, pax.object, size);
    });
  }

  /**
   * Finds out how the archive is compressed.
   * @throws {VaultraError} `damaged.not-an-archive` when nothing that an archive holds stands in the first 8 MiB; what
   * the stream throws
   */
  static async open(stream: ByteStream, options: SalvageReaderOptions): Promise<SalvageReader> {
    const window = new ByteWindow(stream);
    await window.fill(RECOGNIZE_BYTES);
    const kind = recognize(window.bytes);
    if (kind !== undefined) return new SalvageReader(archiveKind(window.bytes), window.rest(), options);
    const compression = options.compression ?? await search(window);
    if (compression !== undefined) return new SalvageReader(compression, window.rest(), options);
    await window.close();
    throw notAnArchive("Nothing that a Vaultra archive holds can be found in the file's beginning");
  }

  /** The header, as far as it was read; absent when it is not whole. */
  get header(): ArchiveHeader | undefined {
    return this.#header;
  }

  /** The manifest; absent when it is not whole. */
  get manifest(): Manifest | undefined {
    return this.#manifest;
  }

  /** Whether manifest and index are whole, once all was read: what the inventory then holds is what they list, and no more. */
  get isListed(): boolean {
    return this.#manifest !== undefined && this.inventory.damagedPieces.length === 0;
  }

  /** The archive's own documents that are not whole, once all was read. */
  get damagedDocuments(): string[] {
    return [
      ...(this.#header === undefined ? [HEADER_PATH] : []),
      ...(this.#hasInstructions ? [] : [RESTORE_PATH]),
      ...this.inventory.damagedPieces,
      ...(this.#manifest === undefined ? [MANIFEST_PATH] : []),
    ];
  }

  /** Whole entries that belong to another backup, and were left out. */
  get foreign(): number {
    return this.#foreign + this.inventory.refused;
  }

  /** Bytes of the archive that were read so far. */
  get read(): number {
    return this.#frames.read;
  }

  /** Bytes of the archive so far that belong to nothing whole: of a compressed one in frames, of a plain tar in entries. */
  get lost(): number {
    return this.compression === "none" ? this.#entries.passed : this.#frames.lost;
  }

  /**
   * The whole files and parts, as they come; each once. Iterable once.
   * @throws {VaultraError} `damaged.header` when it is of another backup than the record; `damaged.newer-format`,
   * `damaged.too-many-parts`; what the stream throws; the signal's reason
   */
  async *entries(): AsyncGenerator<ArchiveEntry, void> {
    for await (const found of this.#entries.entries()) {
      const { checked, offset, stored } = found;
      if (!this.#isOurs(found.modified)) this.#foreign++;
      else if (checked === undefined) this.#takeDocument(found);
      else {
        const { bytes: _, ...part } = checked;
        if (this.inventory.take({ ...part, offset, stored })) yield checked;
      }
    }
    this.#settleHeader();
    this.inventory.settle(this.#manifest);
  }

  /** A header that the manifest does not name is a damaged one; without manifest, whose header it is tells whose parts are. */
  #settleHeader(): void {
    if (this.#header === undefined) return;
    if (this.#manifest === undefined) {
      if (this.#record !== undefined) compareHeader(this.#header, this.#record);
    } else if (this.#manifest.header.sha256 !== this.#headerHash) this.#header = undefined;
  }

  /** Whether an entry that was changed then is of this archive: the first one decides. */
  #isOurs(modified: number | undefined): boolean {
    this.#modified ??= modified;
    return this.#modified === modified;
  }

  #takeDocument({ entry }: FoundEntry): void {
    const bytes = joinBlocks(entry.content);
    try {
      switch (entry.place.kind) {
        case "header":
          this.#takeHeader(bytes);
          break;
        case "restore":
          this.#hasInstructions = true;
          break;
        case "index":
          this.inventory.keepIndex(entry.place.piece, bytes);
          break;
        case "manifest":
          this.#takeManifest(bytes);
      }
    } catch (error) {
      if (!isDamage(error) || error.code === "damaged.newer-format") throw error;
    }
  }

  #takeHeader(bytes: Bytes): void {
    if (this.#header !== undefined) return;
    this.#header = parseHeader(bytes);
    this.#headerHash = sha256Of([bytes]);
  }

  #takeManifest(bytes: Bytes): void {
    const known = this.#record?.manifest.sha256;
    if (known !== undefined && sha256Of([bytes]) !== known) return;
    const manifest = parseManifest(bytes);
    const isOurs = known !== undefined || this.#header === undefined || this.#header.id === manifest.id;
    if (isOurs) this.#manifest ??= manifest;
  }
}

/**
 * Reads one part again from the range that held it.
 * @throws {VaultraError} `damaged.changed` when it is not there any more
 */
export async function readWhole(
  stream: ByteStream,
  part: WholePart,
  compression: Compression,
  { pool, signal }: SalvageReaderOptions,
): Promise<ArchiveEntry> {
  const frames = new FrameSalvage(stream, { codec: codecNamed(compression), pool, signal });
  const entries = new EntrySalvage(frames.frames(), compression !== "none", () => {});
  for await (const { checked } of entries.entries()) {
    if (checked?.path === part.path && checked.sha256 === part.sha256) return checked;
  }
  throw new VaultraError("damaged.changed", `The archive changed while it was read: ${part.path} is gone`, {
    hint: OTHER_BACKUP,
  });
}

/** The compression whose beginning stands first in the stream. */
async function search(window: ByteWindow): Promise<Compression | undefined> {
  for (let length = 1 << 16; length <= SEARCH_BYTES; length *= 2) {
    const isMore = await window.fill(length);
    let first: { readonly compression: Compression; readonly at: number } | undefined;
    for (const compression of compressions) {
      const at = firstMagic(window.bytes, compression);
      if (at >= 0 && (first === undefined || at < first.at)) first = { compression, at };
    }
    if (first !== undefined || !isMore) return first?.compression;
  }
  return undefined;
}

import { createHash } from "node:crypto";
import type { Section } from "../database.ts";
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import { freeBlock } from "../streams/blocks.ts";
import { joinBlocks } from "../streams/blocks.ts";
import type { OpenedFileKey } from "../age/header.ts";
import type { KeyHeader } from "../age/key_headers.ts";
import type { Keyring } from "../operation.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import {
  type ArchiveEntry,
  checkDocument,
  checkedEntry,
  compareWithLine,
  sha256Of,
  titleOf,
} from "./archive_entry.ts";
import { archiveKind, notAnArchive } from "./archive_kind.ts";
import { codecNamed } from "./codecs.ts";
import { compareWithRecord, parseHeader, parseManifest } from "./documents.ts";
import { HEADER_PATH, MANIFEST_PATH, RESTORE_PATH } from "./entry_path.ts";
import type {
  ArchiveHeader,
  BackupRecord,
  Compression,
  IndexEntry,
  Manifest,
  ManifestObject,
  Place,
} from "./format.ts";
import type { FramePool } from "./frame_pool.ts";
import { FrameTrack } from "./frame_track.ts";
import { damagedIndex, sectionOf } from "./index_line.ts";
import { IndexReader } from "./index_reader.ts";
import { checkObject, Ledger } from "./ledger.ts";
import { damagedManifest } from "./manifest.ts";
import { type FoundManifest, readManifest, unfinished } from "./manifest_reader.ts";
import { quoteName } from "./quote_name.ts";
import { checkFollows, type EntryPlace, RangeReader } from "./range_reader.ts";
import { plainSource } from "./plain_source.ts";
import type { PlainSource, RangeSource } from "./range_source.ts";
import { type FrameReading, rawFrames } from "./raw_frames.ts";
import { damagedTar, TAR_END_BYTES } from "./tar.ts";
import { type TarEntry, TarParser } from "./tar_parser.ts";

/** How an archive is opened. */
export interface ArchiveReaderOptions {
  readonly pool: FramePool;
  readonly signal: AbortSignal;
  /** The backup's record, when it is known: leads to the manifest and vouches for it. */
  readonly record?: BackupRecord;
  /** Opens it when it is encrypted; default: it can't be. */
  readonly keys?: Keyring;
  /** Other headers than its own that wrap its file key. */
  readonly keyHeaders?: () => Promise<readonly KeyHeader[]>;
}

/** Which entries are wanted; absent: all. */
export interface EntryFilter {
  readonly section?: Section;
  /** An object's number. */
  readonly object?: number;
}

/** What a verification has read. */
export interface ArchiveCheck {
  /** Bytes of the archive and their SHA-256; compared with the record when there is one. */
  readonly size: number;
  readonly sha256: string;
}

/** What must come next in an archive: one of its documents, or the entry of an index line. */
type Expected =
  | { readonly place: Place; readonly after: number; readonly line?: undefined }
  | { readonly line: IndexEntry; readonly place?: undefined; readonly after?: undefined };

/**
 * Reads an archive by ranges. What it hands out was checked: a part against its SHA-256 and its line of the index,
 * the index and the header against the manifest, and all of it against the record when there is one.
 *
 * @example
 * ```ts ignore
 * const archive = await ArchiveReader.open(storeSource(store, key, size), { pool, signal, record });
 * for await (const line of archive.entries({ object: 3 })) use(await archive.read(line));
 * for await (const entry of archive.stream()) await target.write(entry);
 * ```
 */
export class ArchiveReader {
  readonly compression: Compression;
  readonly header: ArchiveHeader;
  readonly manifest: Manifest;
  /** What opened it, if it is encrypted. Secret. */
  readonly opened: OpenedFileKey | undefined;
  readonly #source: PlainSource;
  readonly #record: BackupRecord | undefined;
  readonly #reading: FrameReading;
  readonly #ranges: RangeReader;
  readonly #index: IndexReader;
  readonly #found: FoundManifest;
  readonly #objects: ReadonlyMap<number, ManifestObject>;

  private constructor(opened: Opened) {
    this.compression = opened.reading.codec.name;
    this.header = opened.header;
    this.manifest = opened.manifest;
    this.opened = opened.source.opened;
    this.#source = opened.source;
    this.#record = opened.record;
    this.#reading = opened.reading;
    this.#ranges = opened.ranges;
    this.#found = opened.found;
    this.#index = new IndexReader(opened.ranges, opened.manifest);
    this.#objects = new Map(
      opened.manifest.objects.flatMap((object) =>
        object.object === undefined ? [] : [[object.object, object]]
      ),
    );
  }

  /**
   * Opens an archive: reads its manifest and its header, nothing else.
   * @throws {VaultraError} `damaged.not-an-archive`, `damaged.truncated`, `damaged.newer-format`, `damaged.manifest`,
   * `damaged.header`, `damaged.index`, `damaged.age-header` and the like; `key.*`; what the source throws
   */
  static async open(stored: RangeSource, options: ArchiveReaderOptions): Promise<ArchiveReader> {
    const { pool, signal, record } = options;
    if (record !== undefined) checkSize(stored.size, record);
    const { source, head } = await plainSource(stored, options);
    const compression = archiveKind(head);
    if (record !== undefined && record.archive.compression !== compression) {
      throw notAnArchive("The archive is not compressed as its record says");
    }
    const reading = { codec: codecNamed(compression), pool, signal };
    const ranges = new RangeReader(source, reading);
    const found = await readManifest(source, compression, ranges, record);
    const manifest = parseManifest(found.bytes);
    checkPlaces(manifest, found);
    const header = parseHeader(joinBlocks(await ranges.document(manifest.header)));
    if (header.id !== manifest.id) {
      throw damagedManifest("The archive's header and manifest are of two different backups");
    }
    if (record !== undefined) compareWithRecord(header, manifest, record);
    return new ArchiveReader({ source, record, reading, ranges, found, manifest, header });
  }

  /**
   * Lines of the index, in the archive's order. Of one object only the pieces that hold its lines are read.
   * When iterated to the end, the lines were held against the manifest's figures.
   * @throws {VaultraError} `damaged.index`, `damaged.hash`, `damaged.frame`, `damaged.tar`
   */
  async *entries(filter: EntryFilter = {}): AsyncGenerator<IndexEntry> {
    const { section, object } = filter;
    const isWanted = (line: IndexEntry) => section === undefined || sectionOf(line.path) === section;
    if (object === undefined) {
      const ledger = new Ledger();
      for await (const line of this.#index.lines()) {
        ledger.add({ ...line, section: sectionOf(line.path) });
        if (isWanted(line)) yield line;
      }
      ledger.check(this.manifest);
      return;
    }
    const described = this.#objects.get(object);
    if (described?.index === undefined) return;
    const [first, last] = described.index;
    if (first > last || last >= this.manifest.totals.entries) {
      throw damagedIndex(`The manifest puts ${quoteName(described.name)} outside of the index`);
    }
    const ledger = new Ledger(first);
    for await (const line of this.#index.lines(first, last)) {
      if (line.object !== object) {
        ledger.skip();
        continue;
      }
      ledger.add({ ...line, section: sectionOf(line.path) });
      if (isWanted(line)) yield line;
    }
    checkObject(described, ledger.objects.get(object));
  }

  /**
   * Reads one entry, by one range.
   * @param line As {@linkcode ArchiveReader.entries} gave it.
   * @throws {VaultraError} `damaged.*` naming the part and its object
   */
  async read(line: IndexEntry): Promise<ArchiveEntry> {
    try {
      return this.#checked(await this.#ranges.read(line), line);
    } catch (error) {
      throw this.#named(error, line);
    }
  }

  /**
   * All entries in order, by one sequential read of the archive. When iterated to the end, everything but the trailer
   * was read and agrees. The bytes of an entry may be gone once the second entry after it is asked for.
   * @throws {VaultraError} `damaged.*` naming the part and its object
   */
  stream(): AsyncGenerator<ArchiveEntry> {
    return this.#entriesOf(this.#source.stream(0, this.#end));
  }

  /**
   * Reads the whole archive once: every part against its SHA-256 and the index, the archive against its record.
   * @param onEntry Called with every entry that was found sound; its bytes are gone after it.
   * @throws {VaultraError} `damaged.*`
   */
  async verify(onEntry: (entry: ArchiveEntry) => void = () => {}): Promise<ArchiveCheck> {
    const hash = createHash("sha256");
    let size = 0;
    const plain = this.#source.whole((block) => {
      hash.update(block);
      size += block.length;
    });
    for await (const entry of this.#entriesOf(withoutTrailer(plain, this.#end))) {
      onEntry(entry);
      entry.bytes.forEach(freeBlock);
    }
    const sha256 = hash.digest("hex");
    if (
      this.#record !== undefined &&
      (size !== this.#record.archive.size || sha256 !== this.#record.archive.sha256)
    ) {
      throw new VaultraError("damaged.hash", "The archive does not match the SHA-256 in its record", {
        hint: "Its entries are sound, its trailer or its record is not; make another backup.",
      });
    }
    return { size, sha256 };
  }

  /** Where the manifest's frames end and the trailer begins. */
  get #end(): number {
    return this.#found.offset + this.#found.stored;
  }

  async *#entriesOf(stream: ByteStream): AsyncGenerator<ArchiveEntry> {
    const expected = this.#expected();
    const track = new FrameTrack(this.compression !== "none");
    const ledger = new Ledger();
    let next = await expected.next();
    for await (const entries of this.#tarEntries(stream, track, () => next.value?.line)) {
      for (const entry of entries) {
        if (next.done) throw damagedTar("Entries follow the archive's manifest");
        const { line, place, after } = next.value;
        const checked = line === undefined ? undefined : this.#checked(entry, line);
        if (place !== undefined) checkDocument(entry, place);
        track.check(entry, line ?? place, after);
        if (checked !== undefined) ledger.add({ ...line!, section: checked.section });
        next = await expected.next();
        if (checked !== undefined) yield checked;
      }
    }
    if (!next.done) throw unfinished();
    ledger.check(this.manifest);
  }

  /** The tar's entries, those of each frame together. An error names the entry that was expected next. */
  async *#tarEntries(
    stream: ByteStream,
    track: FrameTrack,
    expected: () => IndexEntry | undefined,
  ): AsyncGenerator<TarEntry[]> {
    const parser = new TarParser();
    const frames = rawFrames(stream, this.#reading);
    try {
      while (true) {
        let entries: TarEntry[];
        try {
          const frame = await frames.next();
          if (frame.done) break;
          track.add(frame.value);
          entries = parser.push(frame.value.bytes);
          if (parser.taken !== frame.value.bytes.length) {
            throw damagedTar("Bytes follow the end of the archive's tar");
          }
        } catch (error) {
          throw this.#named(error, expected());
        }
        yield entries;
      }
    } finally {
      await frames.return(undefined);
    }
    if (!parser.ended) throw this.#named(unfinished(), expected());
  }

  /** What an archive with this manifest holds, in order. */
  async *#expected(): AsyncGenerator<Expected, undefined> {
    yield { place: this.manifest.header, after: 0 };
    yield { place: this.manifest.restore, after: 0 };
    for await (const line of this.#index.lines()) yield { line };
    for (const place of this.manifest.index) yield { place, after: 0 };
    const { offset, stored, bytes } = this.#found;
    const place = {
      path: MANIFEST_PATH,
      offset,
      stored,
      at: 0,
      raw: bytes.length,
      sha256: sha256Of([bytes]),
    };
    yield { place, after: TAR_END_BYTES };
  }

  #checked(entry: TarEntry, line: IndexEntry): ArchiveEntry {
    const checked = checkedEntry(entry);
    compareWithLine(checked, line);
    if (line.object !== undefined && this.#objects.get(line.object)?.name !== checked.name) {
      throw damagedIndex(`The manifest gives another name to the object of ${titleOf(checked)}`);
    }
    return checked;
  }

  /** The error, which may have been found where no entry was known, with the entry's name. */
  #named(error: unknown, line: IndexEntry | undefined): unknown {
    if (
      line === undefined || !(error instanceof VaultraError) || error.family !== "damaged" ||
      error.message.includes(line.path)
    ) {
      return error;
    }
    const name = line.object === undefined ? undefined : this.#objects.get(line.object)?.name;
    const title = name === undefined
      ? `The file "${line.path}"`
      : `Part ${line.part} of ${quoteName(name)} (${line.path})`;
    return new VaultraError(error.code, `${title} is damaged: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

/** The first bytes of a stream, which is read to its end all the same. */
async function* withoutTrailer(stream: ByteStream, end: number): AsyncGenerator<Bytes> {
  let left = end;
  for await (const block of stream) {
    if (left > 0) yield block.subarray(0, left);
    left = Math.max(0, left - block.length);
  }
}

/** What opening an archive finds. */
interface Opened {
  readonly source: PlainSource;
  readonly record: BackupRecord | undefined;
  readonly reading: FrameReading;
  readonly ranges: RangeReader;
  readonly found: FoundManifest;
  readonly manifest: Manifest;
  readonly header: ArchiveHeader;
}

function checkSize(size: number, { archive }: BackupRecord): void {
  if (size === archive.size) return;
  throw new VaultraError(
    size < archive.size ? "damaged.truncated" : "damaged.hash",
    `The archive holds ${size} bytes, its record says ${archive.size}`,
    { hint: OTHER_BACKUP },
  );
}

/** Checks that the documents fill the archive's beginning and end. */
function checkPlaces({ header, restore, index, totals }: Manifest, found: FoundManifest): void {
  if (
    header.path !== HEADER_PATH || restore.path !== RESTORE_PATH || header.offset !== 0 || header.at !== 0
  ) {
    throw damagedManifest("The manifest puts the archive's header in a wrong place");
  }
  checkFollows(header, restore);
  const place: EntryPlace = {
    path: MANIFEST_PATH,
    offset: found.offset,
    stored: found.stored,
    at: 0,
    raw: found.bytes.length,
  };
  const last = index.at(-1);
  if (last !== undefined) checkFollows(last, place);
  else if (totals.entries === 0) checkFollows(restore, place);
}

/**
 * What was found of an archive that may be damaged, and what is missing of it.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import type { Section } from "../database.ts";
import type { Bytes } from "../streams/bytes.ts";
import { sha256Of } from "./archive_entry.ts";
import { indexPath, labelOf, parsePath } from "./entry_path.ts";
import type { IndexEntry, Manifest } from "./format.ts";
import { FoundObject, MAX_PARTS, type Parts, type SalvagedObject, type WholePart } from "./found_object.ts";
import { parseLine, sectionOf, splitLines } from "./index_line.ts";
import { isDamage } from "./salvage_frames.ts";

/** The most bytes of index that are kept until the manifest tells what it must be. */
const MAX_INDEX_BYTES = 1 << 29;

/** Collects what is whole, and compares it with what the archive says of itself. */
export class SalvageInventory {
  readonly #objects = new Map<number, FoundObject>();
  readonly #files = new Map<string, WholePart>();
  readonly #pieces = new Map<number, Bytes>();
  #pieceBytes = 0;
  /** Entries that were taken, and those that are missing whose lengths are kept. */
  #entries = 0;
  #noted = 0;
  readonly #listedFiles = new Set<string>();
  #missingFiles: string[] = [];
  #damagedPieces: string[] = [];
  #refused = 0;

  /**
   * Takes a whole entry, unless it is there already, or belongs to another archive.
   * @returns Whether it was taken.
   */
  take(part: WholePart): boolean {
    const object = this.#objectOf(part.path);
    const parts = object === undefined ? undefined : this.#partsOf(object, part.path);
    if (parts === undefined ? this.#files.has(part.path) : parts.whole.has(part.part)) return false;
    if (this.#entries === MAX_PARTS) throw tooMany();
    this.#entries++;
    if (parts === undefined) this.#files.set(part.path, part);
    else {
      object!.isCalled(part.name);
      parts.whole.set(part.part, part);
      parts.saw(part.part + (part.continues ? 1 : 0));
    }
    return true;
  }

  /** Notes the header of a part whose content is not whole. */
  note(path: string, name: string, raw: number): void {
    const place = parsePath(path);
    if (place?.kind !== "part" || this.#noted === MAX_PARTS) return;
    this.#noted++;
    const object = this.#object(place.object, place.label);
    object.isCalled(name);
    object[place.section].lengths.set(place.part, raw);
    object[place.section].saw(place.part);
  }

  /** Keeps a piece of the index, which {@linkcode SalvageInventory.settle} reads. */
  keepIndex(piece: number, bytes: Bytes): void {
    if (this.#pieces.has(piece) || this.#pieceBytes + bytes.length > MAX_INDEX_BYTES) return;
    this.#pieceBytes += bytes.length;
    this.#pieces.set(piece, bytes);
  }

  /** Compares what was found with the index and the manifest, as far as there are any. */
  settle(manifest: Manifest | undefined): void {
    for (const [piece, bytes] of this.#pieces) {
      const vouched = manifest?.index[piece]?.sha256 === sha256Of([bytes]);
      if (vouched || manifest === undefined) this.#readPiece(piece, bytes, vouched);
      else this.#pieces.delete(piece);
    }
    if (manifest !== undefined) this.#settleObjects(manifest);
  }

  #settleObjects(manifest: Manifest): void {
    for (const { object, name, parts = 0 } of manifest.objects) {
      if (object === undefined) continue;
      const found = this.#object(object, labelOf(name));
      found.told = name;
      found.data.expect(parts);
    }
    this.#damagedPieces = manifest.index.flatMap((_, piece) =>
      this.#pieces.has(piece) ? [] : [indexPath(piece)]
    );
    if (this.#damagedPieces.length > 0) return;
    for (const [number, { told, data, pages }] of this.#objects) {
      this.#refused += data.settle() + pages.settle();
      if (told === undefined) this.#objects.delete(number);
    }
    for (const path of [...this.#files.keys()].filter((each) => !this.#listedFiles.has(each))) {
      this.#files.delete(path);
      this.#refused++;
    }
  }

  /** Whole entries that were not taken because the index or the manifest says otherwise. */
  get refused(): number {
    return this.#refused;
  }

  /** Pieces of the index that the manifest names and that are not whole. */
  get damagedPieces(): readonly string[] {
    return this.#damagedPieces;
  }

  /** Files of the schema that the index names and that are not whole. */
  get missingFiles(): readonly string[] {
    return this.#missingFiles;
  }

  /** The objects in the order of their numbers. */
  objects(): SalvagedObject[] {
    return this.#sorted().map(([object, { name, data, pages }]) => ({
      object,
      name,
      ...data.tally(),
      ...(pages.least > 0 ? { pages: pages.tally() } : {}),
    }));
  }

  /** Every whole entry, in the order in which a restore writes them: files, then parts, object by object. */
  *whole(): Generator<WholePart> {
    const files = [...this.#files.values()];
    yield* files.filter(({ section }) => section === "schema");
    for (const section of ["data", "pages"] as const) {
      for (const [, { name, [section]: parts }] of this.#sorted()) {
        const whole = [...parts.whole.values()].sort((a, b) => a.part - b.part);
        for (const part of whole) yield { ...part, name };
      }
    }
    yield* files.filter(({ section }) => section === "schema-after");
  }

  /** A whole part; undefined when it is missing. */
  part(section: Section, object: number, part: number): WholePart | undefined {
    return section === "data" || section === "pages"
      ? this.#objects.get(object)?.[section].whole.get(part)
      : undefined;
  }

  /** The raw lengths of an object's parts from the first one on, missing ones too, as far as each is known. */
  layout(section: Section, object: number): number[] {
    return section === "data" || section === "pages"
      ? this.#objects.get(object)?.[section].layout() ?? []
      : [];
  }

  #readPiece(piece: number, bytes: Bytes, vouched: boolean): void {
    try {
      for (const line of splitLines([bytes], indexPath(piece))) this.#compare(parseLine(line), vouched);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#pieces.delete(piece);
    }
  }

  #compare(line: IndexEntry, vouched: boolean): void {
    if (line.object === undefined) {
      if (vouched) this.#listedFiles.add(line.path);
      const file = this.#files.get(line.path);
      if (file !== undefined && (!vouched || file.sha256 === line.sha256)) return;
      if (this.#files.delete(line.path)) this.#refused++;
      if (this.#missingFiles.length < MAX_PARTS) this.#missingFiles.push(line.path);
      return;
    }
    const object = this.#objectOf(line.path)!;
    const parts = this.#partsOf(object, line.path);
    const part = line.part!;
    const found = parts.whole.get(part);
    parts.saw(part);
    if (vouched) parts.listed = Math.max(parts.listed, part + 1);
    if (found !== undefined && !vouched) return;
    if (found?.sha256 === line.sha256 && found.raw === line.raw) {
      // No hash vouches for what the part's own header says of rows.
      const { rows, continues = false } = line;
      parts.whole.set(part, { ...found, rows, continues });
      return;
    }
    if (parts.whole.delete(part)) this.#refused++;
    if (this.#noted === MAX_PARTS) return;
    this.#noted++;
    parts.lengths.set(part, line.raw);
  }

  #sorted(): [number, FoundObject][] {
    return [...this.#objects].sort(([a], [b]) => a - b);
  }

  /** The object that the path names; undefined for a file. */
  #objectOf(path: string): FoundObject | undefined {
    const place = parsePath(path);
    return place?.kind === "part" ? this.#object(place.object, place.label) : undefined;
  }

  #partsOf({ data, pages }: FoundObject, path: string): Parts {
    return sectionOf(path) === "pages" ? pages : data;
  }

  #object(number: number, label: string): FoundObject {
    let object = this.#objects.get(number);
    if (object === undefined) {
      object = new FoundObject(label);
      this.#objects.set(number, object);
    }
    return object;
  }
}

function tooMany(): VaultraError {
  return new VaultraError("damaged.too-many-parts", `The archive holds more than ${MAX_PARTS} parts`, {
    hint: "No backup of this version holds so many; the archive is forged.",
  });
}

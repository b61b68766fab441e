import type { EntryInfo } from "../database.ts";
import { VaultraError } from "../errors.ts";
import { BLAME_PLUGIN } from "../hints.ts";
import { filePath, labelOf, MAX_OBJECT, MAX_PART, partPath, sections } from "./entry_path.ts";
import { MAX_PART_BYTES, partLimit } from "./format.ts";
import { quoteName } from "./quote_name.ts";
import { isObjectName } from "./tar.ts";

/** An entry that was begun: where it will stand. */
export interface BegunEntry {
  readonly info: EntryInfo;
  readonly path: string;
  /** How the path names it: a file's name, or a part's label. */
  readonly name: string;
  readonly part?: number;
  /** The most bytes that it may hold. */
  readonly limit: number;
  /** How a sentence names it. */
  readonly title: string;
}

/** One object's parts of one section. */
interface ObjectParts<Ready> {
  readonly label: string;
  begun: number;
  written: number;
  /** Parts that ended before an earlier one. */
  readonly waiting: Map<number, Ready>;
}

/**
 * Gives entries their paths and numbers when they begin, and their order when they end: a part follows the
 * earlier parts of its object, a section the earlier sections. What breaks this is a plugin's fault.
 */
export class EntryOrder<Ready> {
  readonly #parts = {
    data: new Map<number, ObjectParts<Ready>>(),
    pages: new Map<number, ObjectParts<Ready>>(),
  };
  /** The true name of every object that has parts. */
  readonly names = new Map<number, string>();
  /** Bytes of every object in all its sections, which decide how long its next part may be. */
  readonly #bytes = new Map<number, number>();
  readonly #files = new Set<string>();
  #section = 0;

  /**
   * Begins an entry.
   * @throws {VaultraError} `plugin.bad-name`, `plugin.order`
   */
  begin(info: EntryInfo): BegunEntry {
    if (!sections.includes(info.section)) {
      throw outOfOrder(`The plugin named an unknown section ${quoteName(String(info.section))}`);
    }
    if (info.section === "schema" || info.section === "schema-after") {
      const path = filePath(info.section, info.name);
      if (this.#files.has(path.toLowerCase())) throw outOfOrder(`The plugin wrote the file "${path}" twice`);
      this.#files.add(path.toLowerCase());
      return { info, path, name: info.name, limit: MAX_PART_BYTES, title: `the file "${path}"` };
    }
    const object = this.#objectNumber(info);
    const parts = this.#objectParts(info.section, object, info.name);
    const part = parts.begun++;
    if (part > MAX_PART) {
      throw outOfOrder(`The plugin cut ${quoteName(info.name)} into more than ${MAX_PART} parts`);
    }
    return {
      info,
      path: partPath(info.section, object, parts.label, part),
      name: parts.label,
      part,
      limit: partLimit(this.#bytes.get(object) ?? 0),
      title: `part ${part} of ${quoteName(info.name)}`,
    };
  }

  #objectNumber({ object, name }: EntryInfo): number {
    if (object === undefined || !Number.isInteger(object) || object < 1 || object > MAX_OBJECT) {
      throw outOfOrder(`The plugin numbered an object ${object}, where 1 to ${MAX_OBJECT} are possible`);
    }
    if (!isObjectName(name)) {
      throw new VaultraError("plugin.bad-name", `The plugin named an object ${quoteName(name)}`, {
        hint: "Names of objects are well-formed text of 1 to 65,536 characters without NUL.",
      });
    }
    const known = this.names.get(object);
    if (known !== undefined && known !== name) {
      throw outOfOrder(`The plugin named object ${object} both ${quoteName(known)} and ${quoteName(name)}`);
    }
    this.names.set(object, name);
    return object;
  }

  #objectParts(section: "data" | "pages", object: number, name: string): ObjectParts<Ready> {
    let parts = this.#parts[section].get(object);
    if (parts === undefined) {
      parts = { label: labelOf(name), begun: 0, written: 0, waiting: new Map() };
      this.#parts[section].set(object, parts);
    }
    return parts;
  }

  /** Counts bytes of the entry. */
  count({ info: { object } }: BegunEntry, bytes: number): void {
    if (object !== undefined) this.#bytes.set(object, (this.#bytes.get(object) ?? 0) + bytes);
  }

  /**
   * Ends an entry.
   * @returns What may be written now, in order: nothing while an earlier part of the object is open.
   * @throws {VaultraError} `plugin.order` when a later section was already written
   */
  end(entry: BegunEntry, ready: Ready): Ready[] {
    const parts = this.#partsOf(entry.info);
    const written: Ready[] = [];
    if (parts === undefined) written.push(ready);
    else {
      parts.waiting.set(entry.part!, ready);
      for (let next; (next = parts.waiting.get(parts.written)) !== undefined; parts.written++) {
        parts.waiting.delete(parts.written);
        written.push(next);
      }
    }
    if (written.length > 0) this.#enter(entry);
    return written;
  }

  #enter({ info, title }: BegunEntry): void {
    const section = sections.indexOf(info.section);
    if (section < this.#section) {
      throw outOfOrder(
        `The plugin ended ${title} in "${info.section}" after an entry of "${sections[this.#section]}"`,
      );
    }
    this.#section = section;
  }

  #partsOf({ section, object }: EntryInfo): ObjectParts<Ready> | undefined {
    return section === "data" || section === "pages" ? this.#parts[section].get(object!) : undefined;
  }
}

/** The error for a source that breaks the order of an archive. */
export function outOfOrder(message: string): VaultraError {
  return new VaultraError("plugin.order", message, { hint: BLAME_PLUGIN });
}

/**
 * Marks: small objects beside a backup that say what was found or decided about it later. They never change its record.
 *
 * @module
 */
import { z } from "zod";
import { parseJson } from "../archive/bounded_json.ts";
import { toVaultraError } from "../errors.ts";
import type { Listener } from "../events.ts";
import type { ObjectReader, ObjectStore } from "../store.ts";
import { once } from "../streams/blocks.ts";
import { compactTime, markKey, marksPrefix, parseKey } from "./keys.ts";
import { readSmall } from "./read_small.ts";
import { documentBytes } from "./record.ts";

/** The longest mark that is read: 64 KiB. */
const MAX_MARK_BYTES = 64 << 10;

/** What a mark says: when, why, and facts such as how much was verified. */
const markDocument = z.object({
  time: z.iso.datetime(),
  reason: z.string().max(1000).optional(),
  details: z.record(z.string().max(100), z.union([z.string().max(1000), z.number(), z.boolean()])).optional(),
});
/** What a mark says. */
export type MarkDocument = z.infer<typeof markDocument>;

/** A mark of a backup, and what it says, as far as it can be read. */
export interface Mark extends Partial<MarkDocument> {
  readonly job: string;
  readonly id: string;
  /** `pinned`, or one with its time such as `verified-20261124t064758z`. */
  readonly name: string;
}

/** A backup as its keys name it. */
export interface Named {
  readonly job: string;
  readonly id: string;
}

/** The name of the mark that a verification at that time leaves: every one leaves its own. */
export function verifiedMark(time: Date): string {
  return `verified-${compactTime(time).toLowerCase()}`;
}

/** When the verification was that left a mark of this name, as RFC 3339; `undefined` when another thing left it. */
export function verifiedTime(name: string): string | undefined {
  const match = /^verified-(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)z$/.exec(name);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  return Number.isNaN(Date.parse(time)) ? undefined : time;
}

/** The name of the mark that keeps a backup from being deleted. */
export const PINNED = "pinned";

/**
 * Writes a mark, which must not be there yet.
 * @throws {VaultraError} `store.exists`, and what the store throws
 */
export async function putMark(
  store: ObjectStore,
  { job, id }: Named,
  name: string,
  document: MarkDocument,
): Promise<void> {
  const bytes = documentBytes(markDocument.parse(document));
  await store.put(markKey(job, id, name), once(bytes), { ifAbsent: true });
}

/** The names of a backup's marks, or of all backups of a job, sorted: one listing, and nothing is read. */
export async function markNames(
  reader: ObjectReader,
  { job, id }: { readonly job: string; readonly id?: string },
): Promise<{ readonly id: string; readonly name: string }[]> {
  const names: { id: string; name: string }[] = [];
  for await (const { key } of reader.list(marksPrefix(job, id))) {
    const parsed = parseKey(key);
    if (parsed?.kind === "mark") names.push({ id: parsed.id, name: parsed.mark });
  }
  return names;
}

/**
 * The marks of a backup, or of all backups of a job, by name. One that is damaged still counts by its name (a pin holds), without
 * what it said, and is reported.
 */
export async function listMarks(
  reader: ObjectReader,
  { job, id }: { readonly job: string; readonly id?: string },
  listener: Listener = () => {},
): Promise<Mark[]> {
  const marks: Mark[] = [];
  for (const named of await markNames(reader, id === undefined ? { job } : { job, id })) {
    const mark = await readMark(reader, { job, id: named.id }, named.name, listener);
    if (mark !== undefined) marks.push(mark);
  }
  return marks;
}

/**
 * One mark of a backup; `undefined` when there is none. A damaged one is reported, and counts without what it said.
 */
export async function readMark(
  reader: ObjectReader,
  { job, id }: Named,
  name: string,
  listener: Listener = () => {},
): Promise<Mark | undefined> {
  const key = markKey(job, id, name);
  try {
    const bytes = await readSmall(reader, key, MAX_MARK_BYTES, "damaged.mark");
    const what = `The mark "${key}"`;
    const json = parseJson(bytes, { what, code: "damaged.mark", maxBytes: MAX_MARK_BYTES });
    return { job, id, name, ...markDocument.parse(json) };
  } catch (thrown) {
    const error = toVaultraError(thrown, "damaged.mark");
    if (error.code === "store.not-found") return undefined;
    if (error.family !== "damaged") throw error;
    listener({ type: "warning", code: "damaged.mark", message: `The mark "${key}" cannot be read` });
    return { job, id, name };
  }
}

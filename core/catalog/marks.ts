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
import { compactTime, markKey, marksPrefix, type Named, parseKey } from "./keys.ts";
import { readIfThere } from "./read_small.ts";
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
export interface Mark extends Named, Partial<MarkDocument> {
  /** `pinned`, or one with its time such as `verified-full-20261124t064758z`. */
  readonly name: string;
}

/** How much a verification reads, the most first: each level checks all that the ones after it do. */
export const verifyLevels = ["full", "sample", "quick"] as const;

/** A verification that found no fault, as its mark's name tells it. */
export interface Verified {
  readonly level: typeof verifyLevels[number];
  /** RFC 3339. */
  readonly time: string;
}

/** The name of the mark that a verification at that time leaves: every one leaves its own. */
export function verifiedMark(level: Verified["level"], time: Date): string {
  return `verified-${level}-${compactTime(time).toLowerCase()}`;
}

const verifiedName = new RegExp(
  `^verified-(${verifyLevels.join("|")})-(\\d{4})(\\d\\d)(\\d\\d)t(\\d\\d)(\\d\\d)(\\d\\d)z$`,
);

/** The verification that left a mark of this name; `undefined` when another thing left it. */
export function verifiedBy(name: string): Verified | undefined {
  const match = verifiedName.exec(name);
  if (match === null) return undefined;
  const [, level, year, month, day, hour, minute, second] = match;
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  return Number.isNaN(Date.parse(time)) ? undefined : { level: level as Verified["level"], time };
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
    const bytes = await readIfThere(reader, key, MAX_MARK_BYTES, "damaged.mark");
    if (bytes === undefined) return undefined;
    const what = `The mark "${key}"`;
    const json = parseJson(bytes, { what, code: "damaged.mark", maxBytes: MAX_MARK_BYTES });
    return { job, id, name, ...markDocument.parse(json) };
  } catch (thrown) {
    const error = toVaultraError(thrown, "damaged.mark");
    if (error.family !== "damaged") throw error;
    listener({ type: "warning", code: "damaged.mark", message: `The mark "${key}" cannot be read` });
    return { job, id, name };
  }
}

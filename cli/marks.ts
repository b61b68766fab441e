/**
 * Marks as people are shown them.
 *
 * @module
 */
import { type Mark, markNames, type Named, PINNED, verifiedTime } from "../core/catalog/marks.ts";
import type { ObjectReader } from "../core/store.ts";
import { timeText } from "./output/units.ts";

/** What a list tells of a backup's marks. */
export interface Marked {
  readonly pinned?: true;
  /** When it was verified last, RFC 3339. */
  readonly verified?: string;
}

/** What a list tells of the marks of backups, which all are of one store: one listing a job, and no mark is read. */
export async function markBackups(store: ObjectReader, backups: readonly Named[]): Promise<Marked[]> {
  const marks = new Map<string, Marked>();
  for (const job of new Set(backups.map((each) => each.job))) {
    for (const { id, name } of await markNames(store, { job })) {
      const key = `${job}/${id}`;
      // Names come sorted, so that the last verification is met last.
      const verified = verifiedTime(name);
      marks.set(key, {
        ...marks.get(key),
        ...(name === PINNED ? { pinned: true } : {}),
        ...(verified === undefined ? {} : { verified }),
      });
    }
  }
  return backups.map(({ job, id }) => marks.get(`${job}/${id}`) ?? {});
}

/** What a mark says, as a label and a text; one that this version does not know by its name. */
export function markText({ name, time, reason, details = {} }: Mark): readonly [label: string, text: string] {
  const known = name === PINNED ? "pinned" : verifiedTime(name) === undefined ? name : "verified";
  const facts = Object.entries(details).map(([key, value]) => `${key} ${value}`);
  const said = [...(reason === undefined ? [] : [reason]), ...facts].join(", ");
  const when = time === undefined
    ? "at an unknown time"
    : `${known === "pinned" ? "since " : ""}${timeText(time)}`;
  return [known, said === "" ? when : `${when}: ${said}`];
}

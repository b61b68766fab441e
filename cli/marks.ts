/**
 * Marks as people are shown them.
 *
 * @module
 */
import type { Named } from "../core/catalog/keys.ts";
import {
  type Mark,
  markNames,
  PINNED,
  type Verified,
  verifiedBy,
  verifyLevels,
} from "../core/catalog/marks.ts";
import type { ObjectReader } from "../core/store.ts";
import { bytesText, countOf, timeText } from "./output/units.ts";

/** When a backup was verified last at each level, RFC 3339. */
type Verifications = { readonly [level in Verified["level"]]?: string };

/** What a list tells of a backup's marks. */
export interface Marked {
  readonly pinned?: true;
  readonly verified?: Verifications;
}

/** What a list tells of the marks of backups, which all are of one store: one listing a job, and no mark is read. */
export async function markBackups(store: ObjectReader, backups: readonly Named[]): Promise<Marked[]> {
  const marks = new Map<string, Marked>();
  for (const job of new Set(backups.map((each) => each.job))) {
    for (const { id, name } of await markNames(store, { job })) {
      const key = `${job}/${id}`;
      const marked = marks.get(key);
      const by = verifiedBy(name);
      marks.set(key, {
        ...marked,
        ...(name === PINNED ? { pinned: true } : {}),
        // Names come sorted, so that the last verification of a level is met last.
        ...(by === undefined ? {} : { verified: { ...marked?.verified, [by.level]: by.time } }),
      });
    }
  }
  return backups.map(({ job, id }) => marks.get(`${job}/${id}`) ?? {});
}

/** `2026-11-24 (full), 2026-11-25 (quick)`: of each level the last day, unless one that checks more was as late. */
export function verifiedText(verified: Verifications = {}): string {
  let latest = "";
  const told = verifyLevels.flatMap((level) => {
    const time = verified[level];
    if (time === undefined || time <= latest) return [];
    latest = time;
    return [`${time.slice(0, 10)} (${level})`];
  });
  return told.join(", ");
}

/** What a mark says, as a label and a text; one that this version does not know by its name. */
export function markText({ name, time, reason, details = {} }: Mark): readonly [label: string, text: string] {
  const verified = verifiedBy(name);
  const known = name === PINNED ? "pinned" : verified === undefined ? name : "verified";
  const facts = verified === undefined
    ? Object.entries(details).map(([key, value]) => `${key} ${value}`)
    : verifiedFacts(verified, details);
  const said = [...(reason === undefined ? [] : [reason]), ...facts].join(", ");
  const when = time === undefined
    ? "at an unknown time"
    : `${known === "pinned" ? "since " : ""}${timeText(time)}`;
  return [known, said === "" ? when : `${when}: ${said}`];
}

/** What a verification read, in words; what its mark does not tell, or not as a figure, is left out. */
function verifiedFacts({ level }: Verified, details: NonNullable<Mark["details"]>): string[] {
  const { percent, seed, parts, bytes, tool } = details;
  return [
    level,
    ...(percent === undefined ? [] : [`${percent}% of the parts`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    ...(typeof parts === "number" && parts > 0 ? [countOf(parts, "part")] : []),
    ...(typeof bytes === "number" && bytes > 0 ? [`${bytesText(bytes)} read`] : []),
    ...(tool === undefined ? [] : [`by ${tool}`]),
  ];
}

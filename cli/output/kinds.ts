import type { KindCount } from "../../core/countable.ts";
import { countOf, countText } from "./units.ts";

/** The kinds that are told first, with their nouns where these are other words. Kinds of plugins are their own nouns. */
const nouns: Readonly<Record<string, readonly [one: string, many: string]>> = {
  table: ["table", "tables"],
  virtual: ["virtual table", "virtual tables"],
  shadow: ["shadow table", "shadow tables"],
  view: ["view", "views"],
  index: ["index", "indexes"],
  trigger: ["trigger", "triggers"],
  pages: ["file of pages", "files of pages"],
};

/** A count of objects of one kind: `1 table`, `17 shadow tables`. */
export function kindText(kind: string, count: number): string {
  const words = Object.hasOwn(nouns, kind) ? nouns[kind] : undefined;
  return words === undefined ? countOf(count, kind) : `${countText(count)} ${words[count === 1 ? 0 : 1]}`;
}

/** Counts in the order in which people look for them: tables first. */
export function sortKinds(kinds: readonly KindCount[]): KindCount[] {
  const order = Object.keys(nouns);
  const place = ({ kind }: KindCount) => order.indexOf(kind) < 0 ? order.length : order.indexOf(kind);
  return kinds.toSorted((a, b) => place(a) - place(b));
}

/** What a database holds: `12 tables, 3 views, 120,000 rows`. A backup's record alone tells of rows, and of no table. */
export function holdsText(kinds: readonly KindCount[], rows?: number): string {
  const texts = sortKinds(kinds).map(({ kind, count }) => kindText(kind, count));
  return [...texts, ...(rows === undefined ? [] : [countOf(rows, "row")])].join(", ");
}

import { countOf, countText } from "./units.ts";

/** The kinds that are counted first, with their nouns where these are other words. Kinds of plugins are their own nouns. */
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

/** Objects counted by their kinds, in the order in which people look for them: tables first. */
export function countKinds(objects: readonly { readonly kind: string }[]): Map<string, number> {
  const order = [...Object.keys(nouns), ...objects.map(({ kind }) => kind)];
  const counts = new Map(order.map((kind) => [kind, 0]));
  for (const { kind } of objects) counts.set(kind, counts.get(kind)! + 1);
  return new Map([...counts].filter(([, count]) => count > 0));
}

/** What a database holds: `12 tables, 3 views`. */
export function kindsText(objects: readonly { readonly kind: string }[]): string {
  const texts = [...countKinds(objects)].map(([kind, count]) => kindText(kind, count));
  return texts.length === 0 ? "nothing" : texts.join(", ");
}

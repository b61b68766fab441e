/** What is known of an object's kind, and of its place among the others. */
interface Placed {
  readonly kind: string;
  readonly object?: number | undefined;
  readonly within?: number | undefined;
}

/** How many objects of a kind there are. */
export interface KindCount {
  readonly kind: string;
  readonly count: number;
}

/** The objects that people count: all but those that only hold others, such as a file of pages with its tables. */
export function countable<T extends Placed>(objects: readonly T[]): T[] {
  const holders = new Set(objects.map(({ within }) => within));
  return objects.filter(({ object }) => object === undefined || !holders.has(object));
}

/** Objects that people count, by their kinds, in the order in which kinds are met. */
export function countKinds(objects: readonly Placed[]): KindCount[] {
  const counts = new Map<string, number>();
  for (const { kind } of countable(objects)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => ({ kind, count }));
}

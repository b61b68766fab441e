/** What is known of an object's place among the others. */
interface Placed {
  readonly object?: number | undefined;
  readonly within?: number | undefined;
}

/** The objects that people count: all but those that only hold others, such as a file of pages with its tables. */
export function countable<T extends Placed>(objects: readonly T[]): T[] {
  const holders = new Set(objects.map(({ within }) => within));
  return objects.filter(({ object }) => object === undefined || !holders.has(object));
}

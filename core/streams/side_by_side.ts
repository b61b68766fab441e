/**
 * Works at several items of a stream at a time, and gives the results in the items' order.
 * @param most Items under way at a time.
 */
export async function* sideBySide<T, R>(
  items: AsyncIterable<T>,
  most: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, void> {
  const iterator = items[Symbol.asyncIterator]();
  const pending: Promise<R>[] = [];
  try {
    for (let ended = false; !ended || pending.length > 0;) {
      while (!ended && pending.length < most) {
        const next = await iterator.next();
        if (next.done) ended = true;
        else {
          const result = work(next.value);
          // A later one may fail before anybody waits for it.
          result.catch(() => {});
          pending.push(result);
        }
      }
      const first = pending.shift();
      if (first !== undefined) yield await first;
    }
  } finally {
    await iterator.return?.();
  }
}

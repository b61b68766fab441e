import { VaultraError } from "../../core/errors.ts";

/** Items in a batch, and milliseconds after which a batch goes out with what it has. */
const BATCH_ITEMS = 256;
const BATCH_MILLISECONDS = 50;

/** The services, sources, targets and iterators of one Worker, by the numbers that the host knows them by. */
export class Handles {
  readonly #held = new Map<number, object>();
  #last = 0;

  /** Keeps something. @returns Its number. */
  add(held: object): number {
    this.#held.set(++this.#last, held);
    return this.#last;
  }

  /** What has the number. @throws {VaultraError} `plugin.closed` */
  get<T extends object>(handle: unknown): T {
    const held = this.#held.get(handle as number);
    if (held === undefined) throw new VaultraError("plugin.closed", "This was closed already");
    return held as T;
  }

  /** Keeps an iterator. @returns Its number, for {@linkcode nextItems}. */
  iterate(items: AsyncIterable<unknown>): number {
    return this.add(items[Symbol.asyncIterator]());
  }

  /** The next items of an iterator: as many as come soon, at least one unless it is done. */
  async nextItems(handle: unknown): Promise<{ readonly items: unknown[]; readonly done: boolean }> {
    const iterator = this.get<AsyncIterator<unknown>>(handle);
    const items: unknown[] = [];
    const soon = performance.now() + BATCH_MILLISECONDS;
    do {
      const next = await iterator.next();
      if (next.done) {
        this.#held.delete(handle as number);
        return { items, done: true };
      }
      items.push(next.value);
    } while (items.length < BATCH_ITEMS && performance.now() < soon);
    return { items, done: false };
  }

  /** Disposes what has the number; nothing happens when it is gone. */
  async dispose(handle: unknown): Promise<void> {
    const held = this.#held.get(handle as number);
    this.#held.delete(handle as number);
    if (held === undefined) return;
    if (Symbol.asyncDispose in held) await (held as AsyncDisposable)[Symbol.asyncDispose]();
    else await (held as AsyncIterator<unknown>).return?.();
  }

  /** Disposes everything, the newest first. @throws The first error, after all were tried. */
  async disposeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const handle of [...this.#held.keys()].reverse()) {
      await this.dispose(handle).catch((error) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }
}

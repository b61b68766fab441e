import { toVaultraError, type VaultraError } from "../errors.ts";
import type { Bytes, ByteStream } from "./bytes.ts";

/** The reason of an abort, as the error that a person reads. */
export function abortError(signal: AbortSignal): VaultraError {
  return toVaultraError(signal.reason, "interrupted");
}

/**
 * The same blocks, ended by an abort even while the stream itself is waiting for its next one.
 * @throws {VaultraError} The signal's reason.
 */
export async function* abortable(stream: ByteStream, signal: AbortSignal): AsyncGenerator<Bytes, void, void> {
  if (signal.aborted) throw abortError(signal);
  const iterator = stream[Symbol.asyncIterator]();
  let abort: () => void = () => {};
  const onAbort = () => abort();
  signal.addEventListener("abort", onAbort, { once: true });
  let ended = false;
  try {
    while (true) {
      // One promise a step: racing against a single long-lived one would keep every block's reaction alive.
      const step = Promise.withResolvers<IteratorResult<Bytes>>();
      abort = () => step.reject(abortError(signal));
      if (signal.aborted) abort();
      iterator.next().then(step.resolve, (error) => {
        ended = true;
        step.reject(error);
      });
      const next = await step.promise;
      if (next.done) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (!ended) {
      const closed = iterator.return?.();
      // After an abort the stream may never answer, so nobody waits for it; the abort is the error that counts.
      if (signal.aborted) closed?.catch(() => {});
      else await closed;
    }
  }
}

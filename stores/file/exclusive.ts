import { join } from "node:path";
import { TransientError } from "../../core/errors.ts";
import { abortError } from "../../core/streams/abortable.ts";

/** The file in the store's folder that its writers lock. It is never removed: a new one would be another lock. */
export const LOCK_FILE = ".vaultra-lock";

/** No writer holds the lock for longer than a few calls of the file system take. */
const PATIENCE_MS = 30_000;

/**
 * Keeps all other writers of the folder out, in this process and in others, until disposed of. The system
 * drops the lock when its holder dies.
 * @throws {VaultraError} `store.busy` when another writer keeps it for half a minute.
 */
export async function enterExclusively(folder: string, signal: AbortSignal): Promise<Disposable> {
  const file = await Deno.open(join(folder, LOCK_FILE), { create: true, write: true, mode: 0o600 });
  try {
    // Asked for again and again rather than waited for: a waiting call could not be aborted.
    for (
      let waited = 0, pause = 1;
      !await file.tryLock(true);
      waited += pause, pause = Math.min(pause * 2, 25)
    ) {
      if (signal.aborted) throw abortError(signal);
      if (waited > PATIENCE_MS) {
        throw new TransientError(
          "store.busy",
          `Cannot write to folder "${folder}": another process keeps it locked`,
          {
            hint: "See which process hangs while it has the folder's .vaultra-lock open.",
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

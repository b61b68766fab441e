import { dirname } from "node:path";
import { VaultraError } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import { LockFile } from "./lock_file.ts";
import { restoreFiles } from "./paths.ts";

/**
 * Makes one restore at a time work on a target; temporary files found under the lock are a dead run's.
 * @throws {VaultraError} `target.in-use`, `target.no-folder`
 */
export function takeRestoreLock(context: PluginContext, target: string): Disposable {
  const { lock } = restoreFiles(target);
  try {
    using stack = new DisposableStack();
    const held = LockFile.take(lock, "target.in-use", `The target "${target}"`);
    stack.use(context.temporary(lock));
    stack.use(held);
    return stack.move();
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound) && !(thrown instanceof Deno.errors.NotADirectory)) {
      throw thrown;
    }
    throw new VaultraError("target.no-folder", `There is no folder "${dirname(target)}"`, {
      hint: "Make the folder, or restore to another path.",
      cause: thrown,
    });
  }
}

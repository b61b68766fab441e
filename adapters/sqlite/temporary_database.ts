import type { PluginContext } from "../../core/plugin.ts";
import { databaseFiles, removeFiles } from "./paths.ts";

/**
 * Clears the names of a temporary database and its side files, and removes what is there when disposed of; should
 * the Worker not live to do so, the host does it.
 */
export function temporaryDatabase(context: PluginContext, path: string): Disposable {
  const files = databaseFiles(path);
  using stack = new DisposableStack();
  for (const file of files) stack.use(context.temporary(file));
  removeFiles(files);
  stack.defer(() => removeFiles(files));
  return stack.move();
}

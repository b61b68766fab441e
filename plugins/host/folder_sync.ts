import { isAbsolute, relative, resolve } from "node:path";
import { VaultraError } from "../../core/errors.ts";
import { oneLine } from "./wire_error.ts";

/**
 * Flushes the entries of a folder to the disk on behalf of a plugin, which may write files in it but not open it.
 * Windows knows no such call; its file systems keep the order themselves.
 *
 * @param granted Absolute paths that the plugin may write.
 * @throws {VaultraError} `plugin.denied` when the folder neither holds such a path nor lies within one;
 * `failed.sync` when the operating system refuses.
 */
export async function syncGrantedFolder(path: unknown, granted: readonly string[]): Promise<void> {
  if (typeof path !== "string" || !isAbsolute(path) || !granted.some((each) => isRelated(path, each))) {
    throw new VaultraError(
      "plugin.denied",
      `The plugin asked to flush "${oneLine(String(path), 200)}", which it may not write`,
    );
  }
  if (Deno.build.os === "windows") return;
  try {
    // Opening anything else, such as a named pipe, could wait for ever.
    if (!(await Deno.stat(path)).isDirectory) throw new Deno.errors.NotADirectory("Not a directory");
    using folder = await Deno.open(path);
    await folder.sync();
  } catch (cause) {
    throw new VaultraError("failed.sync", `Cannot flush the folder "${path}" to the disk`, {
      hint: "Check that the folder is still there, and its disk in order.",
      cause,
    });
  }
}

function isRelated(folder: string, granted: string): boolean {
  return holds(folder, granted) || holds(granted, folder);
}

/** Whether a path is another one or lies below it. */
export function holds(outer: string, inner: string): boolean {
  const way = relative(resolve(outer), resolve(inner));
  return way === "" || (!isAbsolute(way) && way.split(/[/\\]/)[0] !== "..");
}

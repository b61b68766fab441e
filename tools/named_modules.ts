/**
 * Modules that a file names by URL instead of importing them: entries of Workers, and plugins.
 *
 * @module
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectFolder } from "./child.ts";

/**
 * Lists what a file of the project names with `import.meta.resolve("./x.ts")` or `new URL("./x.ts", import.meta.url)`,
 * as paths relative to `root`. Neither Deno's import graph nor `deno compile` knows these modules.
 */
export async function namedModules(file: string, root = projectFolder): Promise<string[]> {
  const text = await Deno.readTextFile(join(root, file));
  const base = pathToFileURL(join(root, "/")).href;
  const named = text.matchAll(/(?:new URL|import\.meta\.resolve)\(\s*"(\.[^"]+\.tsx?)"/g);
  return [...named].map(([, path = ""]) =>
    decodeURIComponent(new URL(path, new URL(file, base)).href.slice(base.length))
  );
}

/**
 * The project's own files.
 *
 * @module
 */
import { join } from "node:path";
import { projectFolder } from "./child.ts";

const elsewhere = new Set(["node_modules", "dist", "coverage", "testdata"]);

/** Whether a path names a file of tests. */
export function isTest(path: string): boolean {
  return path.endsWith("_test.ts");
}

/**
 * Lists the files below a folder whose names match, TypeScript files unless told otherwise, sorted, as paths relative to
 * `root` with `/` between the names. Hidden folders, build results and test data are left out; a folder that does not
 * exist has no files.
 */
export async function projectFiles(
  folder = "",
  root = projectFolder,
  names: RegExp = /\.tsx?$/,
): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(join(root, folder))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory && !entry.name.startsWith(".") && !elsewhere.has(entry.name)) {
        found.push(...await projectFiles(path, root, names));
      } else if (entry.isFile && names.test(entry.name)) {
        found.push(path);
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

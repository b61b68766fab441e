/**
 * The project's own TypeScript files.
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
 * Lists the TypeScript files below a folder, sorted, as paths relative to `root` with `/` between the names. Hidden
 * folders, build results and test data are left out; a folder that does not exist has no files.
 */
export async function projectFiles(folder = "", root = projectFolder): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(join(root, folder))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory && !entry.name.startsWith(".") && !elsewhere.has(entry.name)) {
        found.push(...await projectFiles(path, root));
      } else if (entry.isFile && /\.tsx?$/.test(entry.name)) {
        found.push(path);
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

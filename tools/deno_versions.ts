/**
 * The two Deno versions that the project is tested on, and how to get either.
 *
 * @module
 */
import { packageProgram } from "./npm_package.ts";

/** The version that the executable is made with, and the oldest that runs the sources. */
export const pinnedDeno = "2.7.11";

/** The newest version that the sources are tested on. */
export const newestDeno = "2.9.6";

/**
 * Gives the path of a Deno of this version: the running one when it is that, else the one published on npm.
 *
 * @throws {Error} when it cannot be fetched
 */
export function denoOfVersion(version: string): Promise<string> {
  if (Deno.version.deno === version) return Promise.resolve(Deno.execPath());
  const windows = Deno.build.os === "windows";
  const system = windows ? "win32" : Deno.build.os;
  const machine = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const library = Deno.build.os === "linux" ? "-glibc" : "";
  return packageProgram({
    package: `@deno/${system}-${machine}${library}@${version}`,
    path: windows ? "deno.exe" : "deno",
    name: `deno-${version}${windows ? ".exe" : ""}`,
  });
}

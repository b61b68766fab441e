/**
 * Documents of runs whose store was out of reach: kept on this machine, so that no failure goes unseen.
 *
 * @module
 */
import { join } from "node:path";
import { compactTime } from "../core/catalog/keys.ts";
import { documentBytes } from "../core/catalog/record.ts";
import type { RunDocument } from "../core/catalog/runs.ts";

/** The folder of local runs: `$XDG_STATE_HOME/vaultra/runs`, `%LOCALAPPDATA%\vaultra\runs` on Windows. */
export function localRunsFolder(env: Readonly<Record<string, string>>): string | undefined {
  if (Deno.build.os === "windows") {
    const data = env["LOCALAPPDATA"];
    return data === undefined ? undefined : join(data, "vaultra", "runs");
  }
  const state = env["XDG_STATE_HOME"] || (env["HOME"] && join(env["HOME"], ".local", "state"));
  return state ? join(state, "vaultra", "runs") : undefined;
}

/** Writes a run's document. A machine without a home keeps none: the exit code and the error have told by then. */
export async function keepRunLocally(run: RunDocument, env: Readonly<Record<string, string>>): Promise<void> {
  const folder = localRunsFolder(env);
  if (folder === undefined) return;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const name = `${compactTime(new Date(run.started))}-${run.job}-${crypto.randomUUID().slice(0, 8)}.json`;
    await Deno.writeFile(join(folder, name), documentBytes(run), { createNew: true, mode: 0o600 });
  } catch {
    // The run failed already, and its error is told with its exit code; a full or read-only home adds nothing to it.
  }
}

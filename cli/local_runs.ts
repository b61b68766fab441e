/**
 * Documents of runs whose store was out of reach: kept on this machine, so that no failure goes unseen.
 *
 * @module
 */
import { join } from "node:path";
import { compactTime } from "../core/catalog/keys.ts";
import { documentBytes } from "../core/catalog/record.ts";
import type { RunDocument } from "../core/catalog/runs.ts";
import { stateFolder } from "./state_folder.ts";

/** Writes a run's document. A machine without a home keeps none: the exit code and the error have told by then. */
export async function keepRunLocally(run: RunDocument, env: Readonly<Record<string, string>>): Promise<void> {
  const folder = stateFolder(env, "runs");
  if (folder === undefined) return;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const name = `${compactTime(new Date(run.started))}-${run.job}-${crypto.randomUUID().slice(0, 8)}.json`;
    await Deno.writeFile(join(folder, name), documentBytes(run), { createNew: true, mode: 0o600 });
  } catch {
    // The run failed already, and its error is told with its exit code; a full or read-only home adds nothing to it.
  }
}

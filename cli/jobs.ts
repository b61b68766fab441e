/**
 * The jobs that a command names.
 *
 * @module
 */
import type { Job } from "../core/config/job.ts";
import { adHocJob, type JobFlags, resolveJob } from "../core/config/resolve.ts";
import { VaultraError } from "../core/errors.ts";
import type { Workspace } from "./workspace.ts";

/**
 * The jobs of the arguments, or the one of `--db`, or all of the configuration. All are resolved before the first
 * one runs, so that a slip in the last one is told at once.
 * @throws {VaultraError} `usage.*`, `config.*`
 */
export async function chosenJobs(
  workspace: Workspace,
  names: readonly string[],
  db: string | undefined,
  flags: JobFlags,
): Promise<Job[]> {
  if (db !== undefined) {
    if (names.length > 0) {
      throw new VaultraError("usage.job-and-db", `Both the job "${names[0]}" and --db were given`, {
        hint: "Name jobs of the configuration, or one database by --db.",
      });
    }
    return [await adHocJob(db, flags, workspace.context)];
  }
  const file = workspace.requireFile();
  const chosen = names.length > 0 ? names : Object.keys(file.jobs);
  const jobs: Job[] = [];
  for (const name of new Set(chosen)) jobs.push(await resolveJob(name, flags, workspace.context));
  if (jobs.length === 0) {
    throw new VaultraError("config.no-jobs", "The configuration has no jobs", {
      hint: "Add one under `jobs:`, or say --db and --to.",
    });
  }
  return jobs;
}

import { Argument } from "@commander-js/extra-typings";
import { STORE } from "../options.ts";
import type { Program } from "../program.ts";

/** `vaultra list backups|jobs|runs`. */
export function addList(program: Program): void {
  program.command("list", "list backups, jobs or runs")
    .addArgument(
      new Argument("[what]", "what to list").choices(["backups", "jobs", "runs"]).default("backups"),
    )
    .option(...STORE)
    .option("--job <job>", "only this job's")
    .action(async (what, options) => {
      await program.run(async (session) => (await import("../actions/list.ts")).list(session, what, options));
    });
}

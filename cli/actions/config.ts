import { stringify } from "yaml";
import { describeJob } from "../../core/config/describe_job.ts";
import { configJsonSchema } from "../../core/config/json_schema.ts";
import { maskConfig } from "../../core/config/mask.ts";
import { checkConfig, resolveJob } from "../../core/config/resolve.ts";
import { countOf } from "../output/units.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** `vaultra config check|schema|show`. */
export async function config(session: Session, what: "check" | "schema" | "show"): Promise<number> {
  if (what === "schema") {
    session.context.stdout.text(`${JSON.stringify(configJsonSchema(session.context.registry), null, 2)}\n`);
    return 0;
  }
  const workspace = await Workspace.open(session);
  const { context } = workspace;
  if (what === "show") {
    const { name, keys, signing, jobs: written } = workspace.requireFile();
    const jobs: Record<string, unknown> = {};
    for (const job of Object.keys(written)) jobs[job] = describeJob(await resolveJob(job, {}, context));
    // As they are written: a reference names a secret and holds none.
    const shown = {
      ...(Object.keys(keys).length === 0 ? {} : { keys: maskConfig(keys, ["keys"]) }),
      ...(Object.keys(signing).length === 0 ? {} : { signing: maskConfig(signing, ["signing"]) }),
      jobs,
    };
    session.json({ type: "config", file: name, ...shown });
    session.say(
      `# ${name}, with the environment and all defaults\n${stringify({ version: 1, ...shown }).trimEnd()}`,
    );
    return 0;
  }
  const warnings = await checkConfig(context);
  for (const warning of warnings) session.advise(warning);
  const { name, jobs, stores } = workspace.requireFile();
  const [jobCount, storeCount] = [Object.keys(jobs).length, Object.keys(stores).length];
  session.json({ type: "check", file: name, jobs: jobCount, stores: storeCount, warnings });
  session.say(
    `${session.style.green("✔")} ${name}: ${countOf(jobCount, "job")}, ${countOf(storeCount, "store")}`,
  );
  return 0;
}

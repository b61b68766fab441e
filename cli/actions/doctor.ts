import type { Configured, ConfiguredStore } from "../../core/config/job.ts";
import { resolveDatabase, resolveStore } from "../../core/config/resolve.ts";
import { exitCodes, toVaultraError } from "../../core/errors.ts";
import type { Check } from "../../core/events.ts";
import { eventLogger } from "../../core/operation.ts";
import { chosenJobs } from "../jobs.ts";
import { printable } from "../output/table.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra doctor` was asked. */
interface DoctorOptions {
  readonly db?: string | undefined;
  readonly to?: string | undefined;
}

/** What is examined. */
type Patient =
  | { readonly kind: "database"; readonly name: string; readonly configured: Configured }
  | { readonly kind: "store"; readonly name: string; readonly configured: ConfiguredStore };

/** `vaultra doctor`: exit code 3 when something should be mended, 10 or 11 when a database or store can't be used. */
export async function doctor(
  session: Session,
  jobs: readonly string[],
  options: DoctorOptions,
): Promise<number> {
  const workspace = await Workspace.open(session);
  const report: { subject: string; checks: Check[] }[] = [];
  let code = 0;
  for (const patient of await patients(workspace, jobs, options)) {
    const checks = await examine(session, patient);
    report.push({ subject: patient.name, checks });
    session.say(session.style.bold(patient.name));
    for (const check of checks) session.say(checkText(session, check));
    const failed = checks.some((check) => check.status === "failed");
    const warned = checks.some((check) => check.status === "warning");
    const own = failed ? exitCodes[patient.kind] : warned ? exitCodes.warning : 0;
    // What can't be used weighs more than what should be mended.
    if (code === 0 || (code === exitCodes.warning && failed)) code = own || code;
  }
  session.json({ type: "doctor", report });
  return code;
}

async function patients(
  workspace: Workspace,
  jobs: readonly string[],
  options: DoctorOptions,
): Promise<Patient[]> {
  const found = new Map<string, Patient>();
  const add = (patient: Patient) => {
    if (!found.has(patient.name)) found.set(patient.name, patient);
  };
  if (options.db !== undefined && options.to === undefined) {
    const configured = await resolveDatabase(options.db, workspace.context, "--db");
    add({
      kind: "database",
      name: `database ${configured.plugin.plugin.title(configured.config)}`,
      configured,
    });
  } else if (options.db === undefined && options.to !== undefined) {
    const configured = await resolveStore(options.to, workspace.context, "--to");
    add({ kind: "store", name: `store ${configured.name}`, configured });
  } else {
    for (const job of await chosenJobs(workspace, jobs, options.db, { to: options.to })) {
      add({ kind: "database", name: `database of ${job.name}`, configured: job.database });
      add({ kind: "store", name: `store ${job.store.name}`, configured: job.store });
    }
  }
  return [...found.values()];
}

async function examine(session: Session, { kind, configured }: Patient): Promise<Check[]> {
  const { host, signal } = session.context;
  const { plugin, config } = configured;
  const options = {
    // A database is examined with the rights of a backup: what a backup can't do must be found here.
    purpose: kind === "database" ? "backup" as const : "inspect" as const,
    signal,
    log: eventLogger(session.operation().listener, plugin.plugin.name),
  };
  try {
    await using service = kind === "database"
      ? await host.openDatabase(plugin, config, options)
      : await host.openStore(plugin, config, options);
    return await Array.fromAsync(service.checks());
  } catch (thrown) {
    signal.throwIfAborted();
    const error = toVaultraError(thrown);
    return [{
      name: `${plugin.plugin.name}.open`,
      status: "failed",
      found: error.message,
      ...(error.hint === undefined ? {} : { fix: error.hint }),
    }];
  }
}

function checkText(session: Session, check: Check): string {
  const { green, yellow, red, dim } = session.style;
  const mark = { ok: green("✔"), warning: yellow("!"), failed: red("✘") }[check.status];
  const fix = check.fix === undefined ? "" : `\n      ${dim(printable(check.fix))}`;
  return `  ${mark} ${check.name.padEnd(26)} ${printable(check.found)}${fix}`;
}

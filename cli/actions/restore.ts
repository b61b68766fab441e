import type { Comparison, KindComparison } from "../../core/compare.ts";
import type { ProofLevel, RestorePlan } from "../../core/database.ts";
import type { Configured } from "../../core/config/job.ts";
import { resolveDatabase } from "../../core/config/resolve.ts";
import { exitCodes, VaultraError } from "../../core/errors.ts";
import { restore as runRestore, type RestoreOrigin, type RestoreOutcome } from "../../core/restore.ts";
import type { ObjectStore } from "../../core/store.ts";
import type { RestoreOptions } from "../commands/restore.ts";
import { openAddress } from "../archive_address.ts";
import { findBackup } from "../find_backup.ts";
import { kindText } from "../output/kinds.ts";
import { countText, durationText } from "../output/units.ts";
import { printable } from "../output/table.ts";
import { confirmTyping } from "../prompts.ts";
import { openScript, type Script } from "../script.ts";
import type { Session } from "../session.ts";
import { workDatabase } from "../work_folder.ts";
import { Workspace } from "../workspace.ts";

/** An origin and the store that must be closed after it. */
type Opened = { readonly origin: RestoreOrigin; readonly store?: ObjectStore; readonly proof?: ProofLevel };

/** `vaultra restore [BACKUP]`. */
export async function restore(
  session: Session,
  backup: string | undefined,
  options: RestoreOptions,
): Promise<number> {
  checkUsage(backup, options);
  const to = options.to!;
  const workspace = await Workspace.open(session, options);
  const started = session.context.monotonic();
  const opened = await openOrigin(session, workspace, backup, options);
  await using _store = opened.store;
  using script = to.startsWith("sql:")
    ? openScript(to.slice(4), options.ifExists === "replace", session.context)
    : undefined;

  // Addresses are resolved before the archive is opened, so that a slip of the pen costs no time.
  const target = script === undefined ? await resolveDatabase(to, workspace.context, "--to") : undefined;
  const outcome = await runRestore({
    origin: opened.origin,
    target: async (engine) => target ?? await workDatabase(engine, script!.workPath, workspace),
    ...(script === undefined ? {} : { output: "sql", script: (bytes) => script.write(bytes) }),
    only: options.only,
    exclude: options.exclude,
    schemaOnly: options.schemaOnly,
    dataOnly: options.dataOnly,
    ifExists: script === undefined ? options.ifExists : "fail",
    proof: options.proof,
    dryRun: options.dryRun,
    confirm: (plan) => confirmReplace(session, target, plan, options),
  }, workspace.operation());
  if (outcome.report !== undefined) script?.commit();
  return tell(session, outcome, session.context.monotonic() - started, script);
}

/** Has a person type the name of a target that will be replaced, unless `--yes` answers for them. */
export async function confirmReplace(
  session: Session,
  target: Configured | undefined,
  plan: RestorePlan,
  { ifExists, yes }: Pick<RestoreOptions, "ifExists" | "yes">,
): Promise<void> {
  if (ifExists !== "replace" || yes || target === undefined) return;
  const name = target.plugin.plugin.title(target.config);
  await confirmTyping(session.context, {
    word: name,
    question: `Type its name, ${name}, to go on`,
    title: "This will change a database that exists",
    steps: plan.steps,
    would: `"${name}" would be changed`,
    undone: "Nothing was restored",
  });
}

function checkUsage(backup: string | undefined, options: RestoreOptions): void {
  const usage = (code: "which-backup" | "which-target" | "only-one", message: string, hint: string) =>
    new VaultraError(`usage.${code}`, message, { hint });
  if ((backup === undefined) === (options.from === undefined)) {
    throw usage(
      "which-backup",
      backup === undefined ? "No backup was named" : `Both the backup "${backup}" and --from were given`,
      'Name a backup ("latest" is the newest), or give an archive\'s address with --from.',
    );
  }
  if (options.to === undefined) {
    throw usage(
      "which-target",
      "No target was named",
      "Give the target's address with --to, such as sqlite:restored.db.",
    );
  }
  if (options.schemaOnly && options.dataOnly) {
    throw usage(
      "only-one",
      "--schema-only and --data-only exclude each other",
      "Give one of them, or none for both.",
    );
  }
}

async function openOrigin(
  session: Session,
  workspace: Workspace,
  backup: string | undefined,
  options: RestoreOptions,
): Promise<Opened> {
  const { from } = options;
  if (from === "-") return { origin: { kind: "pipe", bytes: session.context.stdin } };
  const name = backup ??
    (from !== undefined && /^\d{8}T\d{6}Z-/.test(from) && !/[./\\]/.test(from) ? from : undefined);
  if (name !== undefined) {
    const { store, key, record } = await findBackup(workspace, name, options);
    return { origin: { kind: "backup", store, key, record }, store };
  }
  return await openAddress(session, workspace, from!);
}

function tell(session: Session, outcome: RestoreOutcome, took: number, script: Script | undefined): number {
  const { header, plan, report, comparison } = outcome;
  const { green, bold } = session.style;
  session.json({
    type: report === undefined ? "plan" : "result",
    command: "restore",
    backup: header.id,
    plan,
    ...(report === undefined ? {} : { report, comparison }),
    milliseconds: Math.round(took),
  });
  // The script itself may go to standard output: words for people then go elsewhere.
  const say = (text: string) => script?.toStdout ? session.note(text) : session.say(text);
  if (report === undefined || comparison === undefined) {
    say(planText(session, header.id, plan));
    return plan.conflicts.length > 0 ? exitCodes.target : 0;
  }
  const target = script?.name ?? report.target;
  say(`${green("✔")} ${bold(header.id)} restored to ${printable(target)} in ${durationText(took)}`);
  if (comparison.compared > 0) say(`  ${comparisonText(comparison)}`);
  return 0;
}

/** `12 of 12 tables identical to what was backed up`: differences have ended the restore before. */
export function comparisonText({ kinds }: Pick<Comparison, "kinds">): string {
  const part = (words: string, count: (of: KindComparison) => number): string[] => {
    const found = kinds.filter((of) => count(of) > 0);
    const texts = found.map((of) => `${countText(count(of))} of ${kindText(of.kind, of.compared)}`);
    return texts.length === 0 ? [] : [`${texts.join(", ")} ${words}`];
  };
  return [
    ...part("identical to what was backed up", ({ identical }) => identical),
    ...part("with as many rows as were backed up", ({ compared, identical }) => compared - identical),
  ].join("; ");
}

function planText(session: Session, id: string, plan: RestorePlan): string {
  const { bold, red } = session.style;
  return [
    bold(`A restore of ${id} would:`),
    ...plan.steps.map((step) => `  - ${printable(step)}`),
    ...plan.conflicts.map((conflict) => red(`  ✘ ${printable(conflict)}`)),
  ].join("\n");
}

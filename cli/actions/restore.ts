import type { ProofLevel, RestorePlan } from "../../core/database.ts";
import { exitCodes, VaultraError } from "../../core/errors.ts";
import { restore as runRestore, type RestoreOrigin, type RestoreOutcome } from "../../core/restore.ts";
import type { ObjectStore } from "../../core/store.ts";
import type { RestoreOptions } from "../commands/restore.ts";
import { openAddress } from "../archive_address.ts";
import { findBackup } from "../find_backup.ts";
import { comparisonText } from "../output/comparison.ts";
import { printable } from "../output/table.ts";
import { durationText } from "../output/units.ts";
import type { Session } from "../session.ts";
import { AddressedTarget } from "../target_address.ts";
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
  const workspace = await Workspace.open(session, options);
  const started = session.context.monotonic();
  const opened = await openOrigin(session, workspace, backup, options);
  await using _store = opened.store;
  using target = await AddressedTarget.open(session, workspace, options.to!, options);
  const outcome = await runRestore({
    origin: opened.origin,
    target: target.database,
    ...(target.script === undefined ? {} : { output: "sql", script: target.script }),
    only: options.only,
    exclude: options.exclude,
    schemaOnly: options.schemaOnly,
    dataOnly: options.dataOnly,
    ifExists: target.ifExists,
    proof: options.proof,
    dryRun: options.dryRun,
    confirm: target.confirm,
  }, workspace.operation());
  if (outcome.report !== undefined) target.commit();
  return tell(session, outcome, session.context.monotonic() - started, target);
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

function tell(session: Session, outcome: RestoreOutcome, took: number, target: AddressedTarget): number {
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
  if (report === undefined || comparison === undefined) {
    target.say(planText(session, header.id, plan));
    return plan.conflicts.length > 0 ? exitCodes.target : 0;
  }
  const title = printable(target.title(report.target));
  target.say(`${green("✔")} ${bold(header.id)} restored to ${title} in ${durationText(took)}`);
  if (comparison.compared > 0) target.say(`  ${comparisonText(comparison)}`);
  return 0;
}

function planText(session: Session, id: string, plan: RestorePlan): string {
  const { bold, red } = session.style;
  return [
    bold(`A restore of ${id} would:`),
    ...plan.steps.map((step) => `  - ${printable(step)}`),
    ...plan.conflicts.map((conflict) => red(`  ✘ ${printable(conflict)}`)),
  ].join("\n");
}

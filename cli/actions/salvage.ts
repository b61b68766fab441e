import { exitCodes } from "../../core/errors.ts";
import { salvage as runSalvage, type SalvageOrigin, type SalvageOutcome } from "../../core/salvage.ts";
import type { SalvageReport } from "../../core/salvage_report.ts";
import type { ObjectStore } from "../../core/store.ts";
import { openAddress } from "../archive_address.ts";
import type { SalvageOptions } from "../commands/salvage.ts";
import { findBackup } from "../find_backup.ts";
import { comparisonText } from "../output/comparison.ts";
import { printable, tableText } from "../output/table.ts";
import { bytesText, countOf, countText, durationText } from "../output/units.ts";
import type { Session } from "../session.ts";
import { AddressedTarget } from "../target_address.ts";
import { Workspace } from "../workspace.ts";

/** How many ranges of missing parts are named of each object. */
const MAX_RANGES = 8;

/** `vaultra salvage ARCHIVE`. */
export async function salvage(session: Session, archive: string, options: SalvageOptions): Promise<number> {
  const { to } = options;
  const workspace = await Workspace.open(session, options);
  const started = session.context.monotonic();
  const opened = await openOrigin(session, workspace, archive, options);
  await using _store = opened.store;
  using target = to === undefined ? undefined : await AddressedTarget.open(session, workspace, to, options);
  const restoring = target === undefined ? undefined : {
    database: target.database,
    ...(target.script === undefined ? {} : { script: target.script }),
    only: options.only ?? [],
    exclude: options.exclude ?? [],
    ifExists: target.ifExists,
    confirm: target.confirm,
  };
  const outcome = await runSalvage(opened.origin, restoring, workspace.operation());
  target?.commit();
  return tell(session, outcome, session.context.monotonic() - started, target);
}

async function openOrigin(
  session: Session,
  workspace: Workspace,
  archive: string,
  options: SalvageOptions,
): Promise<{ readonly origin: SalvageOrigin; readonly store?: ObjectStore }> {
  if (archive === "-") return { origin: { kind: "pipe", bytes: session.context.stdin } };
  // An id, the beginning of one, or `latest`; no address is a word that begins so and has neither dot nor slash.
  if (!/^(latest|\d{4}[0-9A-Za-z-]*)$/.test(archive)) {
    return await openAddress(session, workspace, archive, "the archive's address");
  }
  const { store, key, record } = await findBackup(workspace, archive, options);
  return { origin: { kind: "backup", store, key, record }, store };
}

function tell(
  session: Session,
  outcome: SalvageOutcome,
  took: number,
  target: AddressedTarget | undefined,
): number {
  const { report, restored, comparison } = outcome;
  session.json({ type: "result", command: "salvage", ...outcome, milliseconds: Math.round(took) });
  const say = (text: string) => (target ?? session).say(text);
  say(reportText(session, report));
  if (target === undefined || restored === undefined) return report.isWhole ? 0 : exitCodes.damaged;
  const { green, yellow } = session.style;
  const isComplete = report.isWhole && session.warnings === 0;
  const sign = isComplete ? green("✔") : yellow("⚠");
  const title = printable(target.title(restored.target));
  say(`${sign} What is whole was restored to ${title} in ${durationText(took)}`);
  if (comparison !== undefined && comparison.compared > 0) say(`  ${comparisonText(comparison)}`);
  return isComplete ? 0 : exitCodes.warning;
}

function reportText(session: Session, report: SalvageReport): string {
  const { bold, green, red, dim } = session.style;
  const { objects, totals, damagedDocuments, missingFiles, lost, undecrypted, foreign } = report;
  const { id, engine, started } = report;
  const title = id === undefined
    ? bold("A backup whose header is lost")
    : `${bold(id)} ${dim(`${printable(engine!)}, begun ${started}`)}`;
  const table = tableText(
    [
      { title: "OBJECT" },
      { title: "WHOLE PARTS", align: "right" },
      { title: "ROWS", align: "right" },
      { title: "SIZE", align: "right" },
      { title: "MISSING" },
    ],
    objects.map((object) => [
      object.name,
      partsText(object),
      countText(object.rows),
      bytesText(object.raw),
      missingText(object.missing),
    ]),
  );
  const summary = report.isWhole
    ? `${green("✔")} Nothing is missing: ${partsText(totals)} parts are whole`
    : `${red("✘")} ${partsText(totals)} parts are whole: ${
      totals.rows > 0 ? `${countOf(totals.rows, "row")}, ` : ""
    }${bytesText(totals.raw)}`;
  return [
    title,
    ...(objects.length > 0 ? [table] : []),
    summary,
    ...(damagedDocuments.length > 0
      ? [`  Missing of the archive itself: ${damagedDocuments.join(", ")}`]
      : []),
    ...(missingFiles.length > 0 ? [`  Missing files: ${missingFiles.slice(0, 20).join(", ")}`] : []),
    ...(lost > 0 && !report.isWhole ? [`  ${bytesText(lost)} belong to nothing whole`] : []),
    ...(undecrypted > 0 ? [`  ${bytesText(undecrypted)} of the encryption are damaged`] : []),
    ...(foreign > 0 ? [`  ${countOf(foreign, "piece")} of other backups left out`] : []),
  ].join("\n");
}

function partsText(
  { whole, parts, exact }: SalvageReport["totals"] | SalvageReport["objects"][number],
): string {
  return `${countText(whole)} of ${exact ? "" : "at least "}${countText(parts)}`;
}

function missingText(missing: SalvageReport["objects"][number]["missing"]): string {
  if (missing.length === 0) return "";
  const named = missing.slice(0, MAX_RANGES).map(([first, last]) =>
    first === last ? `${first}` : `${first}–${last}`
  );
  const isOne = missing.length === 1 && missing[0]![0] === missing[0]![1];
  return `${isOne ? "part" : "parts"} ${named.join(", ")}${missing.length > MAX_RANGES ? ", …" : ""}`;
}

import { countKinds } from "../../core/countable.ts";
import { type Diff, diff as runDiff } from "../../core/diff.ts";
import { exitCodes } from "../../core/errors.ts";
import type { ObjectDiff } from "../../core/object_diff.ts";
import { findBackup } from "../find_backup.ts";
import { holdsText, kindText, sortKinds } from "../output/kinds.ts";
import { tableText } from "../output/table.ts";
import { countOf, countText } from "../output/units.ts";
import type { KeyOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { workDatabase, WorkFolder } from "../work_folder.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra diff` was asked. */
interface DiffOptions extends KeyOptions {
  readonly store?: string | undefined;
  readonly job?: string | undefined;
  readonly secondStore?: string | undefined;
  readonly secondJob?: string | undefined;
  readonly only?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

/** `vaultra diff BACKUP BACKUP`: tells what differs, and ends with 15 when something does. */
export async function diff(
  session: Session,
  firstName: string,
  secondName: string,
  options: DiffOptions,
): Promise<number> {
  const workspace = await Workspace.open(session, options);
  const first = await findBackup(workspace, firstName, options);
  await using _first = first.store;
  const second = await findBackup(workspace, secondName, {
    store: options.secondStore ?? options.store,
    job: options.secondJob ?? options.job,
  });
  await using _second = second.store;
  using folder = WorkFolder.make();
  const found = await runDiff({
    first,
    second,
    only: options.only ?? [],
    exclude: options.exclude ?? [],
    target: (engine) => workDatabase(engine, folder.database, workspace),
  }, workspace.operation());

  const backups = [first, second].map(({ record, configured }) => ({
    id: record.id,
    job: record.job,
    store: configured.name,
  }));
  const { objects, totals } = found;
  session.json({ type: "result", command: "diff", first: backups[0], second: backups[1], totals, objects });
  tell(session, found);
  if (totals.different + totals["only-first"] + totals["only-second"] > 0) return exitCodes.different;
  return totals.unknown > 0 ? exitCodes.warning : 0;
}

function tell(session: Session, { first, second, objects }: Diff): void {
  const { green, red, bold } = session.style;
  const between = `${bold(first.id)} and ${bold(second.id)}`;
  const rest = objects.filter(({ status }) => status !== "identical");
  if (rest.length === 0) {
    return session.say(`${green("✔")} ${holdsText(countKinds(objects))} identical in ${between}`);
  }
  const all = new Map(countKinds(objects).map(({ kind, count }) => [kind, count]));
  const counts = sortKinds(countKinds(rest)).map(({ kind, count }) =>
    `${countText(count)} of ${kindText(kind, all.get(kind)!)}`
  );
  session.say(`${red("✘")} ${counts.join(", ")} differ between ${between}`);
  session.say(tableText(
    [{ title: "" }, { title: "KIND" }, { title: "OBJECT" }, { title: "DIFFERENCE" }],
    rest.map((object) => [signs[object.status], object.kind, object.name, differenceText(object)]),
  ));
}

/** As `diff -u` marks what is only in the first, and only in the second. */
const signs = {
  identical: " ",
  different: "~",
  "only-first": "-",
  "only-second": "+",
  unknown: "?",
} as const;

function differenceText({ status, changes, rows: [before, after] }: ObjectDiff): string {
  const rows = (count: number | undefined) => count === undefined ? "" : `, ${countOf(count, "row")}`;
  if (status === "only-first") return `only in the first${rows(before)}`;
  if (status === "only-second") return `only in the second${rows(after)}`;
  if (status === "unknown") return "its content could not be compared";
  return changes.map((change) => {
    if (change !== "rows") return change;
    return `${countText(before ?? 0)} → ${countOf(after ?? 0, "row")}`;
  }).join(", ");
}

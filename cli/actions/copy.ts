import { resolveStore } from "../../core/config/resolve.ts";
import { copy as copyBackup } from "../../core/copy.ts";
import { findBackup } from "../find_backup.ts";
import { bytesText, countOf, durationText } from "../output/units.ts";
import { lockOwner } from "../owner.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra copy` was asked. */
interface CopyOptions {
  readonly to: string;
  readonly store?: string | undefined;
  readonly job?: string | undefined;
}

/** `vaultra copy BACKUP --to STORE`: with all that the backup builds on. */
export async function copy(session: Session, name: string, options: CopyOptions): Promise<number> {
  const workspace = await Workspace.open(session, undefined, true);
  const started = session.context.monotonic();
  const target = await resolveStore(options.to, workspace.context, "--to");
  const { store: from, record, configured } = await findBackup(workspace, name, {
    ...options,
    // What is brought may be what its own copy there lacks.
    last: target.name,
  });
  await using _from = from;
  await using to = await workspace.openStore(target, "backup");
  const copied = await copyBackup({ from, to }, record, lockOwner(), workspace.operation());

  const { job, id } = record;
  const took = session.context.monotonic() - started;
  const moved = copied.filter(({ already }) => !already).map((each) => each.record);
  const bytes = moved.reduce((sum, { archive }) => sum + archive.size, 0);
  session.json({
    type: "result",
    command: "copy",
    store: configured.name,
    to: target.name,
    job,
    id,
    copied: moved.map((each) => each.id),
    bytes,
    milliseconds: Math.round(took),
  });
  if (moved.length === 0) {
    session.say(`${job} ${id} is in ${target.name} already; vaultra verify tells whether it is still whole`);
    return 0;
  }
  const parents = moved.filter((each) => each.id !== id).length;
  session.say(
    `${session.style.green("✔")} ${job} ${id}` +
      (parents === 0 ? "" : ` and ${countOf(parents, "backup")} that it builds on`) +
      ` copied from ${configured.name} to ${target.name}: ${bytesText(bytes)} verified in ${
        durationText(took)
      }`,
  );
  return 0;
}

import type { Mark } from "../../core/catalog/marks.ts";
import { pin as pinBackup, unpin as unpinBackup } from "../../core/pin.ts";
import { findBackup } from "../find_backup.ts";
import { printable } from "../output/table.ts";
import { timeText } from "../output/units.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra pin` and `vaultra unpin` were asked. */
interface PinOptions {
  readonly reason?: string | undefined;
  readonly store?: string | undefined;
  readonly job?: string | undefined;
}

/** `vaultra pin BACKUP`. */
export async function pin(session: Session, name: string, options: PinOptions): Promise<number> {
  const workspace = await Workspace.open(session);
  const { store, record, configured } = await findBackup(workspace, name, options, "backup");
  await using _open = store;
  const { mark, already } = await pinBackup(store, record, options.reason, workspace.operation());
  const { time, reason } = mark;
  const { job, id } = record;
  session.json({
    type: "result",
    command: "pin",
    store: configured.name,
    job,
    id,
    since: time,
    reason,
    already,
  });
  const because = reason === undefined ? "" : `: ${printable(reason)}`;
  session.say(
    already
      ? `${job} ${id} was pinned already,${since(mark)}${because}`
      : `${session.style.green("✔")} ${job} ${id} is pinned in ${configured.name}${because}`,
  );
  return 0;
}

/** `vaultra unpin BACKUP`. */
export async function unpin(session: Session, name: string, options: PinOptions): Promise<number> {
  const workspace = await Workspace.open(session);
  const { store, record, configured } = await findBackup(workspace, name, options, "backup");
  await using _open = store;
  const mark = await unpinBackup(store, record, workspace.operation());
  const { job, id } = record;
  session.json({ type: "result", command: "unpin", store: configured.name, job, id, since: mark?.time });
  session.say(
    mark === undefined
      ? `${job} ${id} was not pinned`
      : `${session.style.green("✔")} ${job} ${id} is not pinned any more; it was pinned${since(mark)}`,
  );
  return 0;
}

/** Since when a pin held, if it still tells. */
function since({ time }: Mark): string {
  return time === undefined ? " since an unknown time" : ` since ${timeText(time)}`;
}

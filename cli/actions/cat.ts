import { cat as runCat, type RowForm } from "../../core/cat.ts";
import { VaultraError } from "../../core/errors.ts";
import type { VaultraEvent } from "../../core/events.ts";
import { OUTPUT_CLOSED } from "../process.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";
import { findBackup } from "../find_backup.ts";
import type { KeyOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { workDatabase, WorkFolder } from "../work_folder.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra cat` was asked. */
interface CatOptions extends KeyOptions {
  readonly as?: RowForm | undefined;
  readonly store?: string | undefined;
  readonly job?: string | undefined;
}

/** `vaultra cat BACKUP OBJECT`: nothing but rows goes to standard output, so that `--json` means rows as JSON. */
export async function cat(
  session: Session,
  backup: string,
  object: string,
  options: CatOptions,
): Promise<number> {
  const workspace = await Workspace.open(session, options);
  const { store, key, record } = await findBackup(workspace, backup, options);
  await using _open = store;
  using folder = WorkFolder.make();
  const operation = workspace.operation();
  const isJson = session.options.json === true;
  const listener = (event: VaultraEvent) => {
    if (!isJson || event.type === "log") operation.listener(event);
    else if (event.type === "warning") session.warn(event.message, event.hint);
  };
  try {
    await runCat({
      origin: { kind: "backup", store, key, record },
      object,
      form: options.as ?? (isJson ? "json" : "csv"),
      target: (engine) => workDatabase(engine, folder.database, workspace),
      write: (rows) => write(session, rows),
    }, { ...operation, listener });
  } catch (error) {
    // Whoever closed its input (`| head`) has seen what it wanted.
    if (!(error instanceof VaultraError && error.code === OUTPUT_CLOSED)) throw error;
  }
  return 0;
}

async function write(session: Session, rows: ByteStream): Promise<void> {
  // Progress is over, and would stand among the rows.
  session.end();
  for await (const block of rows) await session.context.stdout.bytes(block);
}

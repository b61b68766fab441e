import { FramePool } from "../../core/archive/frame_pool.ts";
import type { BackupRecord } from "../../core/archive/format.ts";
import { exitCodes, toVaultraError, VaultraError } from "../../core/errors.ts";
import type { ObjectStore } from "../../core/store.ts";
import { verify as verifyBackup } from "../../core/verify.ts";
import { bytesText, countText, durationText } from "../output/units.ts";
import { joinedCode } from "../exit_code.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra verify` was asked. */
interface VerifyOptions {
  readonly store?: string | undefined;
  readonly job?: string | undefined;
  readonly all?: boolean | undefined;
}

/** `vaultra verify [BACKUP…]`: goes on after a damaged one, so that all are told; the first one's code is the exit code. */
export async function verify(
  session: Session,
  names: readonly string[],
  options: VerifyOptions,
): Promise<number> {
  if ((names.length === 0) === (options.all !== true)) {
    throw new VaultraError("usage.which-backups", "Name the backups to verify, or say --all", {
      hint: '"vaultra list backups" shows them; "latest" names the newest.',
    });
  }
  const workspace = await Workspace.open(session);
  await using pool = FramePool.open({ signal: session.context.signal });
  let code = 0;
  let checked = 0;
  const check = async (store: ObjectStore, record: BackupRecord) => {
    checked++;
    try {
      await verifyOne(session, store, record, pool);
    } catch (thrown) {
      session.context.signal.throwIfAborted();
      const error = toVaultraError(thrown);
      session.fail(error);
      code = joinedCode(code, error.exitCode);
    }
  };
  if (options.all) {
    for (const configured of await workspace.stores(options.store)) {
      await using store = await workspace.openStore(configured);
      const query = options.job === undefined ? {} : { job: options.job };
      for await (const record of workspace.catalog(store).list(query)) await check(store, record);
    }
    if (checked === 0 && session.warnings === 0) {
      throw new VaultraError("no-backup.none", "There is no backup to verify", {
        hint: "Check the store's address and the job's name, and that the store's disk is mounted.",
      });
    }
    // The catalog passes over a record that is not sound, with a warning: not every backup was verified then.
    if (session.warnings > 0) code = joinedCode(code, exitCodes.damaged);
  }
  for (const name of names) {
    const { store, record } = await workspace.findBackup(name, options);
    await using open = store;
    await check(open, record);
  }
  return code;
}

async function verifyOne(
  session: Session,
  store: ObjectStore,
  record: BackupRecord,
  pool: FramePool,
): Promise<void> {
  const started = session.context.monotonic();
  const done = await verifyBackup(store, record, pool, session.operation());
  const took = session.context.monotonic() - started;
  session.json({ type: "result", command: "verify", ...done, milliseconds: Math.round(took) });
  session.say(
    `${session.style.green("✔")} ${record.job} ${record.id}: all ${
      countText(done.entries)
    } parts are whole, ` +
      `${countText(done.objects)} objects, ${countText(done.rows)} rows, ` +
      `${bytesText(done.stored)} read in ${durationText(took)}`,
  );
}

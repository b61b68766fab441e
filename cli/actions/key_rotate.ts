import type { BackupRecord } from "../../core/archive/format.ts";
import { FramePool } from "../../core/archive/frame_pool.ts";
import { Catalog } from "../../core/catalog/catalog.ts";
import { archiveKeyOf } from "../../core/catalog/keys.ts";
import { resolveRecipients } from "../../core/config/resolve.ts";
import { exitCodes, toVaultraError, VaultraError } from "../../core/errors.ts";
import { planRotation, rotate, type Rotated, type RotationPlan } from "../../core/rotate.ts";
import type { ObjectStore } from "../../core/store.ts";
import type { KeyRotateOptions } from "../commands/key.ts";
import { joinedCode } from "../exit_code.ts";
import { findBackup } from "../find_backup.ts";
import { bytesText, countOf } from "../output/units.ts";
import { lockOwner } from "../owner.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** Backups of one job in one open store. */
interface Batch {
  readonly store: ObjectStore;
  readonly job: string;
  readonly records: BackupRecord[];
}

/** `vaultra key rotate [BACKUP…]`: goes on after one that cannot be rotated; the first one's code is the exit code. */
export async function keyRotate(
  session: Session,
  names: readonly string[],
  options: KeyRotateOptions,
): Promise<number> {
  if ((names.length === 0) === (options.all !== true)) {
    throw new VaultraError("usage.which-backups", "Name the backups to rotate, or say --all", {
      hint: '"vaultra list backups" shows them; "latest" names the newest.',
    });
  }
  const workspace = await Workspace.open(session, options);
  const operation = workspace.operation();
  const recipients = await resolveRecipients(options.to, workspace.context, "--to");
  await using open = new AsyncDisposableStack();
  const { batches, passedOver } = await chosenBackups(workspace, names, options, open);

  let code: number = passedOver > 0 ? exitCodes.damaged : 0;
  await using pool = FramePool.open(operation);
  const done: Rotated[] = [];
  const failed = (error: unknown) => {
    session.context.signal.throwIfAborted();
    session.fail(toVaultraError(error));
    code = joinedCode(code, toVaultraError(error).exitCode);
  };
  for (const { store, job, records } of batches) {
    const encrypted = records.filter((record) => isEncrypted(session, record));
    if (encrypted.length === 0) continue;
    if (options.dryRun) {
      for (const record of encrypted) {
        await planRotation(store, record, pool, operation)
          .then((plan) => tellPlan(session, plan, recipients), failed);
      }
      continue;
    }
    const rotated = (each: Rotated) => {
      done.push(each);
      tellRotated(session, store, each);
    };
    await rotate(store, job, encrypted, { recipients, owner: lockOwner(), rotated, failed }, operation)
      .catch(failed);
  }
  if (done.length > 0) session.say(summary(done));
  return code;
}

/** The backups that were named, or all; what the catalog cannot read is told, and counted. */
async function chosenBackups(
  workspace: Workspace,
  names: readonly string[],
  options: KeyRotateOptions,
  open: AsyncDisposableStack,
): Promise<{ readonly batches: readonly Batch[]; readonly passedOver: number }> {
  const batches: Batch[] = [];
  let passedOver = 0;
  for (const name of names) {
    const { store, record } = await findBackup(workspace, name, options, "backup");
    open.use(store);
    batches.push({ store, job: record.job, records: [record] });
  }
  for (const configured of options.all ? await workspace.stores(options.store) : []) {
    const store = open.use(await workspace.openStore(configured, "backup"));
    const { listener } = workspace.operation();
    const catalog = new Catalog(store, (event) => {
      if (event.type === "warning") passedOver++;
      listener(event);
    });
    for (const job of options.job === undefined ? await catalog.jobs() : [options.job]) {
      batches.push({ store, job, records: await Array.fromAsync(catalog.list({ job })) });
    }
  }
  if (passedOver === 0 && batches.every(({ records }) => records.length === 0)) {
    throw new VaultraError("no-backup.none", "There is no backup to rotate", {
      hint: "Check the store's address and the job's name, and that the store's disk is mounted.",
    });
  }
  return { batches, passedOver };
}

function isEncrypted(session: Session, { job, id, encryption }: BackupRecord): boolean {
  if (encryption !== undefined) return true;
  session.warn(
    `${job} ${id} is not encrypted, so it has no key: who can read the store can read it`,
    "Make a new backup with --recipient, and delete this one.",
  );
  return false;
}

function tellPlan(session: Session, { record, earlier }: RotationPlan, recipients: readonly string[]): void {
  const { job, id } = record;
  session.json({ type: "plan", command: "key rotate", job, id, recipients, removes: earlier.length });
  session.say(
    `${job} ${id} can be opened, and would be for ${countOf(recipients.length, "recipient")}` +
      (earlier.length === 0 ? "" : ": others for whom it was rotated before would lose it"),
  );
}

function tellRotated(session: Session, store: ObjectStore, done: Rotated): void {
  const { record, header, written, headerBytes, removed } = done;
  const { job, id } = record;
  const archive = archiveKeyOf(record);
  session.json({
    type: "result",
    command: "key rotate",
    job,
    id,
    archive,
    header,
    written,
    payload: headerBytes,
    removed,
  });
  session.say(
    `${session.style.green("✔")} ${job} ${id}: ${
      bytesText(written)
    } written to ${store.displayName}, no data moved
  without Vaultra: (cat ${header}; tail -c +${headerBytes + 1} ${archive}) | age -d -i KEY`,
  );
}

function summary(done: readonly Rotated[]): string {
  const bytes = done.reduce((sum, { written }) => sum + written, 0);
  const removed = done.reduce((sum, each) => sum + each.removed, 0);
  const headers = countOf(removed, "key header");
  const ended = removed === 0
    ? ""
    : `\n${headers} of earlier rotations removed: their recipients lose access, unless named again.`;
  return `${countOf(done.length, "backup")} rotated, ${bytesText(bytes)} written${ended}
The archives are unchanged, and their own headers still open with the keys they were made for. If one of those
has leaked, make new backups and delete these.`;
}

import { FramePool } from "../../core/archive/frame_pool.ts";
import type { BackupRecord } from "../../core/archive/format.ts";
import { Catalog } from "../../core/catalog/catalog.ts";
import { checkSeen } from "../../core/catalog/seen.ts";
import { exitCodes, toVaultraError, VaultraError } from "../../core/errors.ts";
import type { Operation } from "../../core/operation.ts";
import type { ObjectStore } from "../../core/store.ts";
import {
  markVerified,
  type Verification,
  verify as verifyBackup,
  type VerifyLevel,
} from "../../core/verify.ts";
import type { VerifyOptions } from "../commands/verify.ts";
import { joinedCode } from "../exit_code.ts";
import { findCopies } from "../find_backup.ts";
import { holdsText } from "../output/kinds.ts";
import { bytesText, countText, durationText } from "../output/units.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** `vaultra verify [BACKUP…]`, every copy of each: goes on after a damaged one, so that all are told; the first one's code is the exit code. */
export async function verify(
  session: Session,
  names: readonly string[],
  options: VerifyOptions,
): Promise<number> {
  const level = levelOf(session, options);
  if ((names.length === 0) === (options.all !== true)) {
    throw new VaultraError("usage.which-backups", "Name the backups to verify, or say --all", {
      hint: '"vaultra list backups" shows them; "latest" names the newest.',
    });
  }
  const workspace = await Workspace.open(session, options);
  const operation = workspace.operation();
  await using pool = FramePool.open(operation);
  let code = 0;
  let checked = 0;
  const failed = (thrown: unknown, what?: string) => {
    session.context.signal.throwIfAborted();
    const error = toVaultraError(thrown);
    const message = what === undefined ? error.message : `${what}: ${error.message}`;
    session.fail(VaultraError.fromData({ ...error.toData(), message }));
    code = joinedCode(code, error.exitCode);
  };
  const check = async (store: ObjectStore, record: BackupRecord, place: string) => {
    checked++;
    await verifyOne(session, store, record, place, level, pool, operation)
      .catch((error) => failed(error, titleOf(record, place)));
  };
  if (options.all) {
    let passedOver = 0;
    for (const configured of await workspace.stores(options.store)) {
      try {
        await using store = await workspace.openStore(configured, "backup");
        const catalog = new Catalog(store, (event) => {
          if (event.type === "warning") passedOver++;
          operation.listener(event);
        });
        for (const job of options.job === undefined ? await catalog.jobs() : [options.job]) {
          await checkSeen(store, job, operation);
          for await (const record of catalog.list({ job })) await check(store, record, configured.name);
        }
      } catch (error) {
        failed(error, configured.name);
      }
    }
    if (checked + passedOver === 0 && code === 0) {
      throw new VaultraError("no-backup.none", "There is no backup to verify", {
        hint: "Check the store's address and the job's name, and that the store's disk is mounted.",
      });
    }
    // The catalog passes over a record that is not sound, with a warning: not every backup was verified then.
    if (passedOver > 0) code = joinedCode(code, exitCodes.damaged);
  }
  for (const name of names) {
    try {
      const unread = (error: VaultraError, place: string) => failed(error, `${name} in ${place}`);
      for (const { configured, record } of await findCopies(workspace, name, options, unread)) {
        // It was looked for by reading alone; the mark is written.
        await using store = await workspace.openStore(configured, "backup");
        await check(store, record, configured.name);
      }
    } catch (error) {
      failed(error);
    }
  }
  return code;
}

/** A copy as lines begin with it. */
function titleOf({ job, id }: BackupRecord, place: string): string {
  return `${job} ${id} in ${place}`;
}

function levelOf(session: Session, { quick, sample, full, seed }: VerifyOptions): VerifyLevel {
  if ([quick, sample, full].filter((given) => given !== undefined).length > 1) {
    throw new VaultraError("usage.only-one", "--quick, --sample and --full exclude each other", {
      hint: "Give one of them, or none for all of it.",
    });
  }
  if (seed !== undefined && sample === undefined) {
    throw new VaultraError("usage.seed", "--seed goes with --sample", {
      hint: "Give the percentage too: a sample is taken again by its percentage and its seed.",
    });
  }
  if (sample === undefined) return { level: quick ? "quick" : "full" };
  return { level: "sample", percent: sample, seed: seed ?? session.context.surroundings.randomHex(4) };
}

async function verifyOne(
  session: Session,
  store: ObjectStore,
  record: BackupRecord,
  place: string,
  level: VerifyLevel,
  pool: FramePool,
  operation: Operation,
): Promise<void> {
  const started = session.context.monotonic();
  const done = await verifyBackup(store, record, pool, operation, level);
  const took = session.context.monotonic() - started;
  session.json({
    type: "result",
    command: "verify",
    store: place,
    job: record.job,
    ...done,
    milliseconds: Math.round(took),
  });
  session.say(
    `${session.style.green("✔")} ${titleOf(record, place)}: ${foundText(done)}, ` +
      `${holdsText(done.kinds, done.rows)}, ` +
      `${bytesText(done.stored)} read in ${durationText(took)}`,
  );
  await markVerified(store, record, done, operation);
}

function foundText({ level, entries, parts, percent, seed }: Verification): string {
  if (level === "quick") return `record, manifest and index of ${countText(entries)} parts agree`;
  if (level === "full") return `all ${countText(entries)} parts are whole`;
  return `${countText(parts)} of ${countText(entries)} parts are whole (--sample ${percent}% --seed ${seed})`;
}

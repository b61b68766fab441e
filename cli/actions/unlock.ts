import { jobName } from "../../core/archive/format.ts";
import type { ConfiguredStore } from "../../core/config/job.ts";
import { VaultraError } from "../../core/errors.ts";
import { nearest } from "../../core/text/nearest.ts";
import { type HeldLock, inspectLock, removeLock } from "../../core/unlock.ts";
import { printable } from "../output/table.ts";
import { durationText, timeText } from "../output/units.ts";
import { confirmTyping } from "../prompts.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra unlock` was asked. */
interface UnlockOptions {
  readonly store?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

/** `vaultra unlock JOB`: in every store that it may be locked in. */
export async function unlock(session: Session, job: string, options: UnlockOptions): Promise<number> {
  if (!jobName.safeParse(job).success) {
    throw new VaultraError("usage.job-name", `"${job}" is no job's name`, {
      hint: "Name the job whose lock is to be removed: vaultra list jobs shows them.",
    });
  }
  const workspace = await Workspace.open(session);
  const stores = await workspace.stores(options.store);
  let found = false;
  for (const configured of stores) {
    if (await unlockIn(session, workspace, configured, job, options)) found = true;
  }
  if (!found) {
    await refuseUnknown(workspace, stores, job);
    session.json({ type: "result", command: "unlock", job, removed: false });
    session.say(`Nobody holds the lock of job "${job}" in ${stores.map(({ name }) => name).join(", ")}`);
  }
  return 0;
}

/**
 * Tells a slip of the pen from a job that nobody locked.
 * @throws {VaultraError} `usage.unknown-job` when neither the configuration nor a store knows the job
 */
async function refuseUnknown(
  workspace: Workspace,
  stores: readonly ConfiguredStore[],
  job: string,
): Promise<void> {
  const known = new Set(Object.keys(workspace.context.file?.jobs ?? {}));
  for (const configured of stores) {
    if (known.has(job)) return;
    await using store = await workspace.openStore(configured, "backup");
    for await (const { key } of store.list("")) known.add(key.split("/", 1)[0]!);
  }
  if (known.has(job)) return;
  const meant = nearest(job, known);
  const places = stores.map(({ name }) => name).join(", ");
  throw new VaultraError("usage.unknown-job", `There is no job "${job}" in ${places}`, {
    hint: meant === undefined ? "vaultra list jobs shows the jobs." : `Did you mean "${meant}"?`,
  });
}

/** @returns Whether the job was locked there. */
async function unlockIn(
  session: Session,
  workspace: Workspace,
  configured: ConfiguredStore,
  job: string,
  options: UnlockOptions,
): Promise<boolean> {
  await using store = await workspace.openStore(configured, "backup");
  const { surroundings } = session.context;
  const held = await inspectLock(store, job, surroundings);
  if (held === undefined) return false;
  const { token: _token, etag: _etag, ...lock } = held;
  const said = lockText(held, configured.name);
  if (options.dryRun) {
    session.json({ type: "plan", command: "unlock", store: configured.name, lock });
    session.say(`${said}\n${held.expired ? "It would be removed" : "It would be removed with --yes"}`);
    return true;
  }
  session.say(said);
  if (!held.expired && !options.yes) {
    await confirmTyping(session.context, {
      word: job,
      question: `Type the job's name, ${job}, to remove its lock`,
      title: "The holder of this lock may be alive",
      steps: [
        said,
        "If it is, two runs would write at once, and this one will fail at its next sign of life.",
      ],
      would: `The lock of job "${job}" is held by a run that gave a sign of life ${
        durationText(held.silent)
      } ago`,
      undone: "The lock was left alone",
    });
  }
  await removeLock(store, held, surroundings);
  session.json({ type: "result", command: "unlock", job, removed: true, store: configured.name, lock });
  session.say(`${session.style.green("✔")} The lock of job "${job}" in ${configured.name} was removed`);
  return true;
}

function lockText({ job, owner, taken, silent, expired }: HeldLock, store: string): string {
  const holder = owner === undefined
    ? "a holder that it does not tell"
    : `${owner.command} on ${owner.host} (process ${owner.pid})`;
  const since = taken === undefined ? "" : ` since ${timeText(taken)}`;
  return printable(
    `Job "${job}" in ${store} is locked by ${holder}${since}; last sign of life ${durationText(silent)} ago` +
      (expired ? ", which is too long: it is dead" : ""),
  );
}

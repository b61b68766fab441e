import type { BackupRecord } from "../../core/archive/format.ts";
import { listRuns, type RunDocument } from "../../core/catalog/runs.ts";
import type { ConfiguredStore } from "../../core/config/job.ts";
import type { ObjectStore } from "../../core/store.ts";
import { markBackups, type Marked, verifiedText } from "../marks.ts";
import { tableText } from "../output/table.ts";
import { bytesText, countText, durationText, timeText } from "../output/units.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra list` was asked. */
interface ListOptions {
  readonly store?: string | undefined;
  readonly job?: string | undefined;
}

/** `vaultra list backups|jobs|runs`. */
export async function list(
  session: Session,
  what: "backups" | "jobs" | "runs",
  options: ListOptions,
): Promise<number> {
  const workspace = await Workspace.open(session);
  if (what === "jobs") return await listJobs(session, workspace, options);
  if (what === "runs") return await listRunsOf(session, workspace, options);
  const found: { store: string; record: BackupRecord; marked: Marked }[] = [];
  for (const configured of await workspace.stores(options.store)) {
    await using store = await workspace.openStore(configured);
    const query = options.job === undefined ? {} : { job: options.job };
    const records = await Array.fromAsync(workspace.catalog(store).list(query));
    const marked = await markBackups(store, records);
    found.push(...records.map((record, at) => ({ store: configured.name, record, marked: marked[at]! })));
  }
  found.sort((a, b) => a.record.id < b.record.id ? -1 : 1);
  session.json({
    type: "backups",
    backups: found.map(({ store, record, marked }) => ({ store, ...record, ...marked })),
  });
  const pins = found.some(({ marked }) => marked.pinned);
  const verifications = found.some(({ marked }) => marked.verified !== undefined);
  session.say(
    found.length === 0 ? "No backups" : tableText(
      [
        { title: "BACKUP" },
        { title: "JOB" },
        { title: "FINISHED" },
        { title: "STORED", align: "right" },
        { title: "DATA", align: "right" },
        { title: "ROWS", align: "right" },
        { title: "TOOK", align: "right" },
        ...(pins ? [{ title: "PINNED" }] : []),
        ...(verifications ? [{ title: "VERIFIED" }] : []),
        { title: "STORE" },
        { title: "LABEL" },
      ],
      found.map(({ store, record, marked }) => [
        record.id,
        record.job,
        timeText(record.finished),
        bytesText(record.archive.size),
        bytesText(record.raw),
        countText(record.rows),
        durationText(record.milliseconds),
        ...(pins ? [marked.pinned ? "yes" : ""] : []),
        ...(verifications ? [verifiedText(marked.verified)] : []),
        store,
        record.label ?? "",
      ]),
    ),
  );
  return 0;
}

async function listJobs(session: Session, workspace: Workspace, options: ListOptions): Promise<number> {
  const jobs = new Map<string, { configured: boolean; backups: number; latest?: BackupRecord }>();
  for (const name of Object.keys(workspace.context.file?.jobs ?? {})) {
    jobs.set(name, { configured: true, backups: 0 });
  }
  for (const configured of await workspace.stores(options.store)) {
    await using store = await workspace.openStore(configured);
    for await (const record of workspace.catalog(store).list()) {
      const job = jobs.get(record.job) ?? { configured: false, backups: 0 };
      const newer = job.latest === undefined || job.latest.id < record.id;
      jobs.set(record.job, { ...job, backups: job.backups + 1, ...(newer ? { latest: record } : {}) });
    }
  }
  const rows = [...jobs].filter(([name]) => options.job === undefined || name === options.job)
    .sort(([a], [b]) => a < b ? -1 : 1);
  session.json({
    type: "jobs",
    jobs: rows.map(([name, job]) => ({
      name,
      configured: job.configured,
      backups: job.backups,
      ...(job.latest === undefined ? {} : { latest: { id: job.latest.id, finished: job.latest.finished } }),
    })),
  });
  session.say(
    rows.length === 0 ? "No jobs" : tableText(
      [{ title: "JOB" }, { title: "BACKUPS", align: "right" }, { title: "LATEST" }, { title: "CONFIGURED" }],
      rows.map(([name, job]) => [
        name,
        countText(job.backups),
        job.latest === undefined ? "never" : timeText(job.latest.finished),
        job.configured ? "yes" : "no",
      ]),
    ),
  );
  return 0;
}

async function listRunsOf(session: Session, workspace: Workspace, options: ListOptions): Promise<number> {
  const found: { store: string; run: RunDocument }[] = [];
  for (const configured of await workspace.stores(options.store)) {
    await using store = await workspace.openStore(configured);
    for (const job of await runJobs(workspace, store, configured, options.job)) {
      for await (const run of listRuns(store, job, session.operation().listener)) {
        found.push({ store: configured.name, run });
      }
    }
  }
  found.sort((a, b) => a.run.started < b.run.started ? -1 : 1);
  session.json({ type: "runs", runs: found.map(({ store, run }) => ({ store, ...run })) });
  session.say(
    found.length === 0 ? "No runs" : tableText(
      [
        { title: "STARTED" },
        { title: "JOB" },
        { title: "OUTCOME" },
        { title: "TOOK", align: "right" },
        { title: "BACKUP OR ERROR" },
      ],
      found.map(({ run }) => [
        timeText(run.started),
        run.job,
        run.outcome,
        durationText(Date.parse(run.finished) - Date.parse(run.started)),
        run.backup ?? run.error?.message ?? "",
      ]),
    ),
  );
  return 0;
}

/** The jobs whose runs are listed: those of the configuration and those that the store knows, failed ones too. */
async function runJobs(
  workspace: Workspace,
  store: ObjectStore,
  configured: ConfiguredStore,
  job: string | undefined,
): Promise<string[]> {
  if (job !== undefined) return [job];
  const { file } = workspace.context;
  const names = file !== undefined && Object.hasOwn(file.stores, configured.name)
    ? Object.keys(file.jobs)
    : [];
  for await (const { key } of store.list("")) {
    const match = /^([A-Za-z0-9_][A-Za-z0-9._-]*)\/runs\//.exec(key);
    if (match) names.push(match[1]!);
  }
  return [...new Set(names)].sort();
}

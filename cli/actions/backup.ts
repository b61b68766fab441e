import { backup as runBackup, planBackup } from "../../core/backup.ts";
import type { BackupRecord } from "../../core/archive/format.ts";
import { archiveKeyOf } from "../../core/catalog/keys.ts";
import type { Job } from "../../core/config/job.ts";
import { readPassphraseFile } from "../../core/config/key_file.ts";
import type { KindCount } from "../../core/countable.ts";
import { toVaultraError, VaultraError } from "../../core/errors.ts";
import type { BackupOptions } from "../commands/backup.ts";
import { joinedCode } from "../exit_code.ts";
import { chosenJobs } from "../jobs.ts";
import { keepRunLocally } from "../local_runs.ts";
import { holdsText } from "../output/kinds.ts";
import { encryptionText } from "../output/recipients.ts";
import { tableText } from "../output/table.ts";
import { bytesText, countText, durationText } from "../output/units.ts";
import { askNewPassphrase } from "../prompts.ts";
import { lockOwner } from "../owner.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** `vaultra backup`: jobs run one after the other; the first failing one's code is the exit code. */
export async function backup(
  session: Session,
  names: readonly string[],
  options: BackupOptions,
): Promise<number> {
  const workspace = await Workspace.open(session);
  const passphrase = await chosenPassphrase(session, workspace, options);
  const jobs = await chosenJobs(workspace, names, options.db, { ...options, passphrase });
  let code = 0;
  for (const job of jobs) {
    for (const warning of job.warnings) session.advise(warning);
    try {
      if (options.dryRun) await tellPlan(session, workspace, job);
      else await backupOne(session, workspace, job);
    } catch (thrown) {
      session.context.signal.throwIfAborted();
      const error = toVaultraError(thrown);
      session.fail(error);
      code = joinedCode(code, error.exitCode);
    }
  }
  return code;
}

/** The passphrase that options ask for, if they do. */
async function chosenPassphrase(
  session: Session,
  workspace: Workspace,
  options: BackupOptions,
): Promise<string | undefined> {
  const { recipient, passphraseFile, passphrase } = options;
  if ([recipient, passphraseFile, passphrase].filter((given) => given !== undefined).length > 1) {
    throw new VaultraError(
      "usage.only-one",
      "--recipient, --passphrase-file and --passphrase exclude each other",
      {
        hint: "An archive is encrypted to recipients or with one passphrase: give one of the options.",
      },
    );
  }
  const { secrets } = workspace.context;
  if (passphrase) return await askNewPassphrase(session.context, secrets);
  return passphraseFile === undefined
    ? undefined
    : await readPassphraseFile(passphraseFile, secrets, workspace.warn);
}

async function backupOne(session: Session, workspace: Workspace, job: Job): Promise<void> {
  const operation = workspace.operation();
  let kinds: readonly KindCount[] = [];
  const record = await runBackup(job, lockOwner(), {
    ...operation,
    listener: (event) => {
      if (event.type === "objects") kinds = event.kinds;
      operation.listener(event);
    },
    keepRun: (run) => keepRunLocally(run, session.context.env),
  });
  session.json({ type: "result", command: "backup", store: job.store.name, record });
  session.say(backupText(session, job, record, kinds));
}

function backupText(
  session: Session,
  job: Job,
  record: BackupRecord,
  kinds: readonly KindCount[],
): string {
  const { green, bold } = session.style;
  const { size, compression } = record.archive;
  const smaller = record.raw > size ? `, ${(record.raw / size).toFixed(1)} times smaller` : "";
  return [
    `${green("✔")} ${bold(record.job)} backed up in ${durationText(record.milliseconds)}`,
    `  backup    ${record.id}`,
    `  holds     ${holdsText(kinds, record.rows)}, ${bytesText(record.raw)}`,
    `  stored    ${bytesText(size)} (${compression}${smaller}), ${encryptionText(record)}`,
    `  archive   ${job.store.name}/${archiveKeyOf(record)}`,
  ].join("\n");
}

async function tellPlan(session: Session, workspace: Workspace, job: Job): Promise<void> {
  const info = await planBackup(job, workspace.operation());
  session.json({ type: "plan", command: "backup", job: job.name, store: job.store.name, database: info });
  session.say(
    `${session.style.bold(job.name)}: ${info.engine} ${info.version}, ${
      bytesText(info.bytes)
    } would go to ${job.store.name}`,
  );
  session.say(tableText(
    [{ title: "OBJECT" }, { title: "KIND" }, { title: "ROWS", align: "right" }],
    info.objects.map((
      object,
    ) => [object.name, object.kind, object.rows === undefined ? "" : countText(object.rows)]),
  ));
}

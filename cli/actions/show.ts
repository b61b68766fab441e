import { FramePool } from "../../core/archive/frame_pool.ts";
import { listMarks } from "../../core/catalog/marks.ts";
import { countKinds } from "../../core/countable.ts";
import { toVaultraError } from "../../core/errors.ts";
import { openBackup } from "../../core/open_backup.ts";
import { findBackup } from "../find_backup.ts";
import { markText } from "../marks.ts";
import { holdsText } from "../output/kinds.ts";
import { recipientsText } from "../output/recipients.ts";
import { printable, tableText } from "../output/table.ts";
import { bytesText, countText, durationText, timeText } from "../output/units.ts";
import type { KeyOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra show` was asked. */
interface ShowOptions extends KeyOptions {
  readonly store?: string | undefined;
  readonly job?: string | undefined;
  readonly objects?: boolean | undefined;
}

/** `vaultra show BACKUP`: the record, and with `--objects` the manifest, read by range. */
export async function show(session: Session, name: string, options: ShowOptions): Promise<number> {
  const workspace = await Workspace.open(session, options);
  const { store, key, record, configured } = await findBackup(workspace, name, options);
  await using _open = store;
  const operation = workspace.operation();
  await using pool = FramePool.open({ ...operation, workers: 1 });
  const archive = await openBackup({ store, key, record }, pool, operation).then(
    (opened) => opened.archive,
    (error) => {
      // The record alone says much of a backup that nobody opens here.
      if (toVaultraError(error).code === "key.missing" && !options.objects) return undefined;
      throw error;
    },
  );
  const marks = await listMarks(store, record, operation.listener);
  session.json({
    type: "backup",
    store: configured.name,
    record,
    ...(archive === undefined ? {} : { header: archive.header }),
    marks: marks.map(({ name, time, reason, details }) => ({ name, time, reason, details })),
    ...(options.objects ? { objects: archive?.manifest.objects } : {}),
  });

  const { bold, dim } = session.style;
  const line = (label: string, text: string) => `  ${label.padEnd(12)}${printable(text)}`;
  const properties = Object.entries(archive?.header.properties ?? {});
  const lines = [
    bold(record.id),
    line("job", record.job),
    line("database", `${record.engine} ${record.engineVersion}`),
    line("", properties.map(([key, value]) => `${key} ${value}`).join(", ")),
    line("taken", `${timeText(record.started)}, took ${durationText(record.milliseconds)}`),
    line("archive", `${key} in ${configured.name}`),
    line(
      "size",
      `${bytesText(record.archive.size)} stored (${record.archive.compression}), ${
        bytesText(record.raw)
      } of data`,
    ),
    line("holds", holdsText(countKinds(archive?.manifest.objects ?? []), record.rows)),
    line("encrypted", recipientsText(record, workspace.context.file)),
    line("proof", record.proof),
    line("sha-256", record.archive.sha256),
    line("made by", record.tool),
    ...(record.label === undefined ? [] : [line("label", record.label)]),
    ...marks.map((mark) => line(...markText(mark))),
    ...(archive?.manifest.warnings ?? []).map((warning) => line("warning", warning)),
  ];
  session.say(lines.filter((text) => text.trim() !== "").join("\n"));
  if (archive === undefined) {
    session.say(dim("  --identity-file or --passphrase-file shows what is inside"));
  } else if (options.objects) {
    session.say("");
    session.say(tableText(
      [{ title: "OBJECT" }, { title: "KIND" }, { title: "ROWS", align: "right" }, {
        title: "DATA",
        align: "right",
      }],
      archive.manifest.objects.map((object) => [
        object.name,
        object.kind,
        object.rows === undefined ? "" : countText(object.rows),
        object.raw === undefined ? "" : bytesText(object.raw),
      ]),
    ));
  } else {
    session.say(dim("  --objects lists its objects"));
  }
  return 0;
}

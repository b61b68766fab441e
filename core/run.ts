/**
 * Runs: every backup that was tried leaves a document in its job's `runs/`, failed ones too.
 *
 * @module
 */
import type { BackupRecord } from "./archive/format.ts";
import { type RunDocument, writeRun } from "./catalog/runs.ts";
import type { ConfiguredStore, Job } from "./config/job.ts";
import { toVaultraError, type VaultraError } from "./errors.ts";
import { eventLogger, LogTail, type Operation } from "./operation.ts";
import type { ObjectStore } from "./store.ts";

/**
 * Opens the job's store, does the work and writes the run's document, whatever came of it. When the store is
 * out of reach the document goes to `operation.keepRun`.
 *
 * @param work Is given the store, which stays open after the operation's signal was aborted, so that locks are
 * released and the run is written even then.
 * @throws {VaultraError} What the work threw.
 */
export async function recordRun(
  job: Job,
  command: string,
  operation: Operation,
  work: (store: ObjectStore, operation: Operation) => Promise<BackupRecord>,
): Promise<BackupRecord> {
  const started = operation.surroundings.now();
  const tail = new LogTail(operation.listener);
  const redact = operation.redact ?? ((text: string) => text);
  const document = (outcome: RunDocument["outcome"], figures: RunDocument["figures"]): RunDocument => ({
    job: job.name,
    command,
    started: started.toISOString(),
    finished: operation.surroundings.now().toISOString(),
    outcome,
    figures,
    log: tail.lines.map(redact),
  });
  const failed = (error: VaultraError): RunDocument => ({
    ...document(
      error.family === "interrupted" || error.family === "terminated" ? "interrupted" : "failed",
      {},
    ),
    error: {
      code: error.code,
      message: redact(error.message),
      ...(error.hint === undefined ? {} : { hint: redact(error.hint) }),
    },
  });

  let store: ObjectStore;
  try {
    store = await openStore(job.store, operation);
  } catch (thrown) {
    const error = reasonOf(thrown, operation);
    await operation.keepRun?.(failed(error));
    throw error;
  }
  await using open = store;
  let record: BackupRecord;
  try {
    record = await work(open, { ...operation, listener: tail.listener });
  } catch (thrown) {
    const error = reasonOf(thrown, operation);
    await writeRun(open, failed(error), operation.surroundings).catch(async () => {
      await operation.keepRun?.(failed(error));
    });
    throw error;
  }
  const run: RunDocument = {
    ...document(record.warnings > 0 ? "warning" : "ok", {
      raw: record.raw,
      stored: record.archive.size,
      rows: record.rows,
      objects: record.objects,
      milliseconds: record.milliseconds,
    }),
    backup: record.id,
  };
  try {
    await writeRun(open, run, operation.surroundings);
  } catch (thrown) {
    // The backup exists all the same, and is listed: told as failed, it would be made again for nothing.
    const { code, message } = toVaultraError(thrown);
    operation.listener({
      type: "warning",
      code,
      message: `The backup was made, but not the document of its run: ${message}`,
    });
    await operation.keepRun?.(run);
  }
  return record;
}

/** Opens a store that outlives the operation's signal; single calls are cancelled by theirs. */
async function openStore({ plugin, config }: ConfiguredStore, operation: Operation): Promise<ObjectStore> {
  operation.signal.throwIfAborted();
  return await operation.host.openStore(plugin, config, {
    purpose: "backup",
    signal: new AbortController().signal,
    log: eventLogger(operation.listener, plugin.plugin.name),
  });
}

/** Why the work ended: an interruption wins over whatever broke because of it. */
function reasonOf(thrown: unknown, operation: Operation): VaultraError {
  return toVaultraError(operation.signal.aborted ? operation.signal.reason : thrown);
}

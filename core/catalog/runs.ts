import { z } from "zod";
import { parseJson } from "../archive/bounded_json.ts";
import { backupId, jobName } from "../archive/format.ts";
import { toVaultraError } from "../errors.ts";
import type { Listener, Surroundings } from "../events.ts";
import type { ObjectReader, ObjectStore } from "../store.ts";
import { once } from "../streams/blocks.ts";
import { parseKey, runKey, runsPrefix } from "./keys.ts";
import { readSmall } from "./read_small.ts";
import { documentBytes } from "./record.ts";

/** The longest document of a run that is read: 1 MiB. */
const MAX_RUN_BYTES = 1 << 20;
/** Random bytes that tell runs of the same second apart. */
const SUFFIX_BYTES = 4;

/** The document of one run, a failed one too: what was done, how it went, and its last log lines. */
const runDocument = z.object({
  job: jobName,
  command: z.string().min(1).max(100),
  started: z.iso.datetime(),
  finished: z.iso.datetime(),
  outcome: z.enum(["ok", "warning", "failed", "interrupted"]),
  /** The backup that was made or used. */
  backup: backupId.optional(),
  /** Numbers such as bytes, rows and milliseconds, by name. */
  figures: z.record(z.string().max(100), z.number()),
  error: z.object({
    code: z.string().max(200),
    message: z.string().max(10_000),
    hint: z.string().max(10_000).optional(),
  }).optional(),
  /** The last log lines, oldest first. */
  log: z.array(z.string()),
});
/** The document of one run. */
export type RunDocument = z.infer<typeof runDocument>;

/**
 * Writes a run's document. It never replaces another one.
 * @returns Its key.
 */
export async function writeRun(
  store: ObjectStore,
  run: RunDocument,
  { randomHex }: Pick<Surroundings, "randomHex">,
): Promise<string> {
  const bytes = documentBytes(runDocument.parse(run));
  let key = runKey(run.job, new Date(run.started));
  try {
    await store.put(key, once(bytes), { ifAbsent: true });
  } catch (error) {
    if (toVaultraError(error).code !== "store.exists") throw error;
    key = runKey(run.job, new Date(run.started), randomHex(SUFFIX_BYTES));
    await store.put(key, once(bytes), { ifAbsent: true });
  }
  return key;
}

/** A job's runs, newest first. A document that is damaged is passed over and reported as a warning. */
export async function* listRuns(
  reader: ObjectReader,
  job: string,
  listener: Listener = () => {},
): AsyncGenerator<RunDocument> {
  const keys: string[] = [];
  for await (const { key } of reader.list(runsPrefix(job))) {
    if (parseKey(key)?.kind === "run") keys.push(key);
  }
  for (const key of keys.reverse()) {
    const run = await readRun(reader, key, job);
    if (run) yield run;
    else {
      listener({
        type: "warning",
        code: "damaged.run",
        message: `The document "${key}" is not one of a run of this job`,
      });
    }
  }
}

async function readRun(reader: ObjectReader, key: string, job: string): Promise<RunDocument | undefined> {
  try {
    const bytes = await readSmall(reader, key, MAX_RUN_BYTES, "damaged.run");
    const json = parseJson(bytes, { what: `The run "${key}"`, code: "damaged.run", maxBytes: MAX_RUN_BYTES });
    const { data } = runDocument.safeParse(json);
    return data?.job === job ? data : undefined;
  } catch (error) {
    if (toVaultraError(error).family === "damaged") return undefined;
    throw error;
  }
}

import type { Configured, Job } from "./job.ts";
import { MASK } from "./mask.ts";
import { printDuration, printSize } from "./units.ts";

/** A job as `config show` tells it, in the file's own words: all layers merged, no secret shown. */
export function describeJob(job: Job): Record<string, unknown> {
  const { limits, compression } = job;
  return {
    database: { engine: job.database.plugin.plugin.name, ...redacted(job.database) },
    store: { name: job.store.name, kind: job.store.plugin.plugin.name, ...redacted(job.store) },
    only: job.only,
    exclude: job.exclude,
    "exclude-data": job.excludeData,
    compression: compression.name === "none" ? "none" : `${compression.name}:${compression.level}`,
    ...(job.encryption === undefined ? {} : {
      encryption: job.encryption.recipients === undefined
        ? { passphrase: MASK }
        : { to: job.encryption.recipients },
    }),
    proof: job.proof,
    parallel: job.parallel,
    limits: {
      ...(limits.lockWait === undefined ? {} : { "lock-wait": printDuration(limits.lockWait) }),
      ...(limits.writerPause === undefined ? {} : { "writer-pause": printDuration(limits.writerPause) }),
      ...(limits.logGrowth === undefined ? {} : { "log-growth": printSize(limits.logGrowth) }),
      ...(limits.timeout === undefined ? {} : { timeout: printDuration(limits.timeout) }),
    },
    ...(job.label === undefined ? {} : { label: job.label }),
  };
}

function redacted({ plugin, config }: Configured): Readonly<Record<string, unknown>> {
  return plugin.plugin.redact(config);
}

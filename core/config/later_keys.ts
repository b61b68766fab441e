/** Keys of the whole file that a later version brings, each with what this version does not do. */
const file: Readonly<Record<string, string>> = {
  notifications: "sends no notifications",
  telemetry: "exports no telemetry",
  proxy: "uses no proxy",
};

/** Keys of a job that a later version brings. */
const job: Readonly<Record<string, string>> = {
  schedule: "has no scheduler: run `vaultra backup` from cron or a systemd timer",
  retention: "deletes no old backups",
  drill: "runs no drills: use `vaultra restore` and `vaultra verify`",
  notify: "sends no notifications",
  hooks: "calls no hooks",
  databases: "backs up one database a job: write a job for each",
  mode: "knows one mode of backup for each engine",
  "max-rate": "cannot limit its rate",
};

/** Keys of a job's `limits` that a later version brings. */
const limits: Readonly<Record<string, string>> = {
  "replica-lag": "does not watch replicas",
};

/**
 * Why a key that is documented for a later version is refused; `undefined` for any other key. To ignore one would
 * be worse than to refuse it: a backup would be taken for one that is made every night.
 *
 * @param path The mapping that holds the key, from the file's root.
 */
export function laterKey(path: readonly PropertyKey[], key: string): string | undefined {
  const table = path.length === 0
    ? file
    : path[0] !== "jobs"
    ? {}
    : path.length === 2
    ? job
    : path.length === 3 && path[2] === "limits"
    ? limits
    : {};
  const reason = Object.hasOwn(table, key) ? table[key] : undefined;
  return reason && `not supported yet: this version ${reason}`;
}

/** The keys of a job that a later version brings. */
export const laterJobKeys: readonly string[] = Object.keys(job);

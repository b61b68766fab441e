/**
 * Encryption: a backup of an SQLite database to a recipient against the plain one, and its restore. Rounds alternate, so that
 * a busy moment of the machine meets both; medians are printed. `--size` is in MB (default 1000), `--rounds` 5. The goal: an
 * encrypted backup takes at most 1.25 of the plain one's wall time on two cores.
 *
 * @module
 */
import { generateIdentity, identityToRecipient } from "age-encryption";
import { buildDatabase } from "./build_database.ts";
import { type Cost, median, run } from "./measure.ts";
import { print, row } from "./report.ts";
import { benchSettings } from "./settings.ts";

const { megabytes, rounds, binary } = benchSettings("crypto");
const folder = await Deno.makeTempDir({ prefix: "vaultra-bench-" });

try {
  const source = `${folder}/bench.db`;
  print(`Making a database of ${megabytes} MB …`);
  buildDatabase(source, megabytes * 1e6);
  print(`  ${(Deno.statSync(source).size / 1e6).toFixed(0)} MB\n`);
  const identity = await generateIdentity();
  await Deno.writeTextFile(`${folder}/identity`, `${identity}\n`, { mode: 0o600 });
  const recipient = await identityToRecipient(identity);

  const kinds = {
    plain: { backup: [], restore: [] },
    encrypted: {
      backup: ["--recipient", recipient],
      restore: ["--identity-file", `${folder}/identity`],
    },
  };
  const costs = {
    plain: { backup: [] as Cost[], restore: [] as Cost[] },
    encrypted: { backup: [] as Cost[], restore: [] as Cost[] },
  };
  for (let round = 0; round < rounds; round++) {
    for (const kind of ["plain", "encrypted"] as const) {
      const store = `${folder}/store-${kind}-${round}`;
      const target = `${folder}/restored.db`;
      const from = ["--db", `sqlite:${source}`, "--to", store, "--proof", "rows"];
      costs[kind].backup.push(await run(binary, ["backup", ...from, ...kinds[kind].backup]));
      const to = ["--store", store, "--proof", "rows", "--to", `sqlite:${target}`];
      costs[kind].restore.push(await run(binary, ["restore", "latest", ...to, ...kinds[kind].restore]));
      await Deno.remove(store, { recursive: true });
      await Deno.remove(target);
    }
  }

  for (const step of ["backup", "restore"] as const) {
    const plain = median(costs.plain[step]);
    print(`${step === "backup" ? "Backup, zstd level 3" : "Restore"}, medians of ${rounds} rounds`);
    row(`vaultra ${step}`, plain);
    row(`vaultra ${step}, encrypted`, median(costs.encrypted[step]), plain, "the plain one's");
    print("");
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

/**
 * SQLite: Vaultra's executable against `sqlite3 .backup` followed by `zstd -T2` at the same level, which checks
 * nothing, and against the same with `pragma quick_check` of the copy; its restore against `zstd -d` followed by
 * `pragma integrity_check`. Rounds alternate, so that a busy moment of the machine meets all; medians are printed.
 * `--size` is in MB (default 1000), `--rounds` 5.
 *
 * @module
 */
import { buildDatabase } from "./build_database.ts";
import { type Cost, median, run, together } from "./measure.ts";
import { print, row } from "./report.ts";
import { benchSettings } from "./settings.ts";

const { megabytes, rounds, binary } = benchSettings("sqlite");
const folder = await Deno.makeTempDir({ prefix: "vaultra-bench-" });

try {
  const source = `${folder}/bench.db`;
  print(`Making a database of ${megabytes} MB …`);
  buildDatabase(source, megabytes * 1e6);
  print(`  ${(Deno.statSync(source).size / 1e6).toFixed(0)} MB\n`);

  const costs = new Map<string, Cost[]>();
  const keep = (name: string, cost: Cost) => costs.set(name, [...costs.get(name) ?? [], cost]);
  const [copy, packed, restored] = [`${folder}/copy.db`, `${folder}/copy.db.zst`, `${folder}/restored.db`];
  for (let round = 0; round < rounds; round++) {
    const store = `${folder}/store-${round}`;
    const copied = await run("sqlite3", [source, `.backup ${copy}`]);
    const checked = await run("sqlite3", [copy, "pragma quick_check"]);
    const compressed = await run("zstd", ["-q", "-f", "-T2", "-3", copy, "-o", packed]);
    keep("peer", together(copied, compressed));
    keep("peer with check", together(copied, checked, compressed));
    await Deno.remove(copy);
    for (const proof of ["none", "rows", "content"]) {
      const args = ["--db", `sqlite:${source}`, "--to", store, "--proof", proof];
      keep(proof, await run(binary, ["backup", ...args]));
    }

    const unpacked = await run("zstd", ["-q", "-f", "-d", packed, "-o", copy]);
    keep("peer's restore", together(unpacked, await run("sqlite3", [copy, "pragma integrity_check"])));
    for (const proof of ["rows", "content"]) {
      const args = ["latest", "--store", store, "--proof", proof, "--to", `sqlite:${restored}`];
      keep(`restore, ${proof}`, await run(binary, ["restore", ...args]));
      await Deno.remove(restored);
    }
    await Deno.remove(store, { recursive: true });
    for (const file of [copy, packed]) await Deno.remove(file);
  }

  const cost = (name: string) => median(costs.get(name)!);
  print(`Backup, zstd level 3, medians of ${rounds} rounds, nothing checked`);
  row("sqlite3 .backup; zstd -T2 -3", cost("peer"));
  row("vaultra backup --proof none", cost("none"), cost("peer"));
  print("\nBackup with quick_check; Vaultra also counts every table, and with content hashes every page");
  row("sqlite3 .backup; quick_check; zstd -T2 -3", cost("peer with check"));
  row("vaultra backup --proof rows", cost("rows"), cost("peer with check"));
  row("vaultra backup --proof content", cost("content"), cost("peer with check"));
  row("  that, against --proof rows", cost("content"), cost("rows"), "the rows'");
  print(
    "\nRestore with integrity_check; Vaultra also counts every table, and with content hashes every page",
  );
  row("zstd -d; integrity_check", cost("peer's restore"));
  for (const proof of ["rows", "content"]) {
    row(`vaultra restore --proof ${proof}`, cost(`restore, ${proof}`), cost("peer's restore"));
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

/**
 * SQLite: Vaultra's executable against `sqlite3 .backup` followed by `zstd -T2` at the same level, and its
 * restore against `zstd -d` followed by `pragma integrity_check`. Rounds alternate, so that a busy moment of
 * the machine meets all; medians are printed. `--size` is in MB (default 1000), `--rounds` 5.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { buildDatabase } from "./build_database.ts";
import { type Cost, median, run, together } from "./measure.ts";
import { print, row } from "./report.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { size: { type: "string", default: "1000" }, rounds: { type: "string", default: "5" } },
});
const megabytes = Number(values.size);
const rounds = Number(values.rounds);
const binary = Deno.env.get("VAULTRA_TEST_BINARY");
if (binary === undefined) throw new Error("Start it with: deno task bench sqlite");
const folder = await Deno.makeTempDir({ prefix: "vaultra-bench-" });

try {
  const source = `${folder}/bench.db`;
  print(`Making a database of ${megabytes} MB …`);
  buildDatabase(source, megabytes * 1e6);
  print(`  ${(Deno.statSync(source).size / 1e6).toFixed(0)} MB\n`);

  const costs: Record<"peer" | "rows" | "content" | "peerRestore" | "restore", Cost[]> = {
    peer: [],
    rows: [],
    content: [],
    peerRestore: [],
    restore: [],
  };
  for (let round = 0; round < rounds; round++) {
    const store = `${folder}/store-${round}`;
    costs.peer.push(together(
      await run("sqlite3", [source, `.backup ${folder}/copy.db`]),
      await run("zstd", ["-q", "-f", "-T2", "-3", `${folder}/copy.db`, "-o", `${folder}/copy.db.zst`]),
    ));
    await Deno.remove(`${folder}/copy.db`);
    for (const proof of ["rows", "content"] as const) {
      costs[proof].push(
        await run(binary, ["backup", "--db", `sqlite:${source}`, "--to", store, "--proof", proof]),
      );
    }
    costs.peerRestore.push(together(
      await run("zstd", ["-q", "-f", "-d", `${folder}/copy.db.zst`, "-o", `${folder}/copy.db`]),
      await run("sqlite3", [`${folder}/copy.db`, "pragma integrity_check"]),
    ));
    costs.restore.push(
      await run(binary, [
        "restore",
        "latest",
        "--store",
        store,
        "--proof",
        "rows",
        "--to",
        `sqlite:${folder}/restored.db`,
      ]),
    );
    await Deno.remove(store, { recursive: true });
    for (const name of ["copy.db", "copy.db.zst", "restored.db"]) await Deno.remove(`${folder}/${name}`);
  }

  const peer = median(costs.peer);
  print(`Backup, zstd level 3, medians of ${rounds} rounds`);
  row("sqlite3 .backup, then zstd -T2 -3", peer);
  row("vaultra backup --proof rows", median(costs.rows), peer);
  row("vaultra backup --proof content", median(costs.content), peer);
  const peerRestore = median(costs.peerRestore);
  print("\nRestore");
  row("zstd -d, then pragma integrity_check", peerRestore);
  row("vaultra restore --proof rows", median(costs.restore), peerRestore);
} finally {
  await Deno.remove(folder, { recursive: true });
}

/**
 * A tour of Vaultra on a sample database: back up, list, verify, restore, compare. Nothing is installed and
 * nothing is left behind. `deno task demo`, or without Deno: `npx -y deno@2.7.11 run -A tools/demo.ts`.
 *
 * This file imports nothing from npm and starts the rest with the machine's certificates (tools/child.ts).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { buildSample } from "../tests/fakes/sqlite_sample.ts";
import { projectFolder, runDeno, say } from "./child.ts";

const colour = Deno.stdout.isTerminal() && !Deno.env.get("NO_COLOR");
const paint = (code: number, text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;

/** Runs one command of Vaultra in a folder, as a person would type it, and shows what it prints. */
async function vaultra(folder: string, ...args: string[]): Promise<void> {
  say(paint(1, `$ vaultra ${args.join(" ")}`));
  const program = ["--config", join(projectFolder, "deno.json"), join(projectFolder, "cli.ts")];
  const { code } = await runDeno(["run", "-A", "--quiet", ...program, ...args], { cwd: folder });
  if (code !== 0) {
    say(paint(31, `vaultra ended with exit code ${code}`));
    Deno.exit(1);
  }
  say();
}

/** What one table holds, told without Vaultra: its rows and the SHA-256 of their values in order. */
function tables(path: string): Map<string, { rows: number; sha256: string }> {
  using database = new DatabaseSync(path, { readOnly: true });
  const names = database.prepare(
    "select name, wr from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
  ).all() as { name: string; wr: number }[];
  const found = new Map<string, { rows: number; sha256: string }>();
  for (const { name, wr } of names) {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const columns = database.prepare(`select name from pragma_table_xinfo(?) where hidden <> 1`).all(name)
      .map((column) => `quote("${String(column["name"]).replaceAll('"', '""')}")`);
    const select = database.prepare(
      `select ${columns.join(" || ',' || ")} as line from ${quoted}${wr ? "" : " order by rowid"}`,
    );
    const hash = createHash("sha256");
    let rows = 0;
    for (const row of select.iterate()) {
      hash.update(`${row["line"]}\n`);
      rows++;
    }
    found.set(name, { rows, sha256: hash.digest("hex") });
  }
  return found;
}

function compare(source: string, restored: string): boolean {
  const [before, after] = [tables(source), tables(restored)];
  using database = new DatabaseSync(restored, { readOnly: true });
  const integrity = Object.values(database.prepare("pragma integrity_check").get() ?? {})[0];
  let same = integrity === "ok" && before.size === after.size;
  for (const [name, table] of before) {
    const twin = after.get(name);
    const equal = twin?.sha256 === table.sha256 && twin.rows === table.rows;
    same &&= equal;
    say(
      `  ${equal ? paint(32, "same") : paint(31, "DIFFERENT")}  ${name.padEnd(24)} ${
        String(table.rows).padStart(8)
      } rows  ${table.sha256.slice(0, 12)}…`,
    );
  }
  say(`  integrity check of the restored file: ${integrity}`);
  return same;
}

const folder = await Deno.makeTempDir({ prefix: "vaultra-demo-" });
try {
  const started = performance.now();
  say(
    "Making a sample database: a shop with some hundred thousand rows, full-text search, odd names and values …",
  );
  buildSample(`${folder}/shop.db`, { rows: 300_000 });
  const size = Deno.statSync(`${folder}/shop.db`).size;
  say(
    `  shop.db: ${(size / 2 ** 20).toFixed(1)} MiB, made in ${
      ((performance.now() - started) / 1000).toFixed(1)
    } s\n`,
  );

  await vaultra(folder, "backup", "--db", "sqlite:shop.db", "--to", "./backups");
  await vaultra(folder, "list", "backups", "--store", "./backups");
  await vaultra(folder, "verify", "latest", "--store", "./backups");
  await vaultra(folder, "restore", "latest", "--store", "./backups", "--to", "sqlite:restored.db");

  say(paint(1, "Comparing both databases, table by table, without Vaultra"));
  const same = compare(`${folder}/shop.db`, `${folder}/restored.db`);
  say(
    same ? paint(32, "\nThe restored database is identical.") : paint(31, "\nThe restored database differs."),
  );
  Deno.exitCode = same ? 0 : 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}

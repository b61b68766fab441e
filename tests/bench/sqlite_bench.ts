/**
 * SQLite: Vaultra's executable against `sqlite3 .backup` followed by `zstd -T2` at the same level, and its
 * restore against `zstd -d` followed by `pragma integrity_check`. Rounds alternate, so that a busy moment of
 * the machine meets all; medians are printed. `--size` is in MB (default 1000), `--rounds` 5.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { type Cost, median, run, together } from "./measure.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { size: { type: "string", default: "1000" }, rounds: { type: "string", default: "5" } },
});
const megabytes = Number(values.size);
const rounds = Number(values.rounds);
const binary = Deno.env.get("VAULTRA_TEST_BINARY");
if (binary === undefined) throw new Error("Start it with: deno task bench sqlite");
const folder = await Deno.makeTempDir({ prefix: "vaultra-bench-" });

/** Orders and their items, words and numbers: compresses about as a shop's database does. */
function buildDatabase(path: string, bytes: number): void {
  using database = new DatabaseSync(path);
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const words = Array.from(
    { length: 5000 },
    () => Array.from({ length: 3 + random(8) }, () => String.fromCharCode(97 + random(26))).join(""),
  );
  const text = (count: number) => Array.from({ length: count }, () => words[random(words.length)]).join(" ");
  database.exec(`pragma journal_mode = wal; pragma synchronous = off; pragma wal_autocheckpoint = 100000;
    create table orders (id integer primary key, customer integer, name text, note text, amount real, created text);
    create table items (id integer primary key, order_id integer, sku text, quantity integer, price real);`);
  const order = database.prepare("insert into orders values (?, ?, ?, ?, ?, ?)");
  const item = database.prepare("insert into items values (?, ?, ?, ?, ?)");
  const size = database.prepare(
    "select page_count * page_size as size from pragma_page_count, pragma_page_size",
  );
  for (let id = 0, items = 0; Number(size.get()!["size"]) < bytes * 0.88;) {
    database.exec("begin");
    for (const end = id + 50_000; id < end; id++) {
      const day = `2026-${String(1 + random(12)).padStart(2, "0")}-${
        String(1 + random(28)).padStart(2, "0")
      }`;
      order.run(id, random(100_000), text(2), text(random(30)), random(1_000_000) / 100, day);
      for (let k = 0; k < 2; k++) {
        item.run(items++, id, random(2 ** 31).toString(16), random(9), random(9900) / 100);
      }
    }
    database.exec("commit");
  }
  database.exec(
    "create index orders_customer on orders (customer); create index items_order on items (order_id);",
  );
  database.exec("pragma wal_checkpoint(truncate)");
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function row(name: string, cost: Cost, against?: Cost): void {
  const ratio = against === undefined
    ? ""
    : `  ${(cost.wall / against.wall).toFixed(2)} × the peer's wall time`;
  print(
    `  ${name.padEnd(42)} ${cost.wall.toFixed(2).padStart(6)} s  ${cost.cpu.toFixed(2).padStart(6)} CPU-s  ` +
      `${(cost.peak / 2 ** 20).toFixed(0).padStart(5)} MiB${ratio}`,
  );
}

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

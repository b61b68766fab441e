import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { RestoreRequest } from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import { buildSample } from "../../tests/fakes/sqlite_sample.ts";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import {
  backUp,
  buildVariant,
  closing,
  configOf,
  context,
  MemoryReader,
  restore,
  restoreRequest,
  type Variant,
} from "../../tests/fakes/sqlite_kit.ts";
import { exists } from "./paths.ts";
import plugin from "./plugin.ts";
import { proveTable } from "./table_proof.ts";

const matrix: Variant[] = [
  { flawed: true },
  { encoding: "UTF-16le", journalMode: "wal" },
  { encoding: "UTF-16be", autoVacuum: 1 },
  { pageSize: 512, autoVacuum: 2 },
  { pageSize: 65536 },
  { reserved: 8 },
];

/** Every value of every table with rowid, storage class and bytes, as sqlite3 tells them. */
function everything(path: string, tables: readonly string[]): string {
  return tables.map((table) => {
    const name = `"${table.replaceAll('"', '""')}"`;
    const columns = run("sqlite3", path, `select name from pragma_table_xinfo(${name}) where hidden <> 1`)
      .trim().split("\n");
    const quoted = columns.map((column) => `"${column.replaceAll('"', '""')}"`);
    const values = quoted.map((column) =>
      `typeof(${column}), hex(cast(${column} as blob)), ${column} + 0 < 0, 1.0 / ${column}`
    );
    const hidden = table.startsWith("sqlite_") || columns.includes("_rowid_") ||
      run("sqlite3", path, `select wr from pragma_table_list where name = ${name}`).trim() === "1";
    const rowid = hidden ? "0" : "oid";
    const rows = run("sqlite3", path, `select ${rowid}, ${values} from ${name}`).split("\n");
    return [table, ...(hidden ? rows.sort() : rows)].join("\n");
  }).join("\n");
}

function tablesOf(path: string): string[] {
  const tables = run(
    "sqlite3",
    path,
    "select name from sqlite_schema where type = 'table' and rootpage > 0 and name not like 'sqlite_stat4' order by 1",
  );
  return tables.trim().split("\n");
}

function schemaOf(path: string, where = "1"): string {
  return run(
    "sqlite3",
    path,
    `select type, name, tbl_name, sql from sqlite_schema where name <> 'sqlite_stat4' and ${where} order by type, name`,
  );
}

const pragmas = ["page_size", "encoding", "auto_vacuum", "user_version", "application_id"];

/** Fails unless sqlite3 finds the same in both. */
function assertSame(target: string, source: string): void {
  assert.equal(schemaOf(target), schemaOf(source));
  assert.equal(everything(target, tablesOf(target)), everything(source, tablesOf(source)));
  for (const pragma of pragmas) {
    assert.equal(
      run("sqlite3", target, `pragma ${pragma}`),
      run("sqlite3", source, `pragma ${pragma}`),
      pragma,
    );
  }
  assert.equal(
    run("sqlite3", target, "pragma integrity_check"),
    run("sqlite3", source, "pragma integrity_check"),
  );
}

for (const options of matrix) {
  Deno.test(`TableRestore copies all tables of ${JSON.stringify(options)}`, async () => {
    using folder = temporaryFolder();
    const [source, target] = [`${folder.path}/source.db`, `${folder.path}/target.db`];
    buildVariant(source, options);
    const archive = await backUp(source, { partBytes: 70_000 });
    await restore(archive, target, { only: ["*", "big_orders"] });
    assertSame(target, source);
    assert.equal(run("sqlite3", target, "select title from docs('sail')").trim(), "Ships");
    assert.equal(run("sqlite3", target, "select rowid from contentless('kept')").trim(), "9");
    assert.equal(run("sqlite3", target, "select id from boxes where x1 > 2").trim(), "2");
    assert.deepEqual(
      [...Deno.readDirSync(folder.path)].map((entry) => entry.name).filter((name) =>
        name.startsWith("target")
      ),
      ["target.db"],
    );
  });

  Deno.test(`sqlScript() makes an equal database of ${JSON.stringify(options)}`, async () => {
    using folder = temporaryFolder();
    const [source, target] = [`${folder.path}/source.db`, `${folder.path}/target.db`];
    buildVariant(source, options);
    const { script } = await restore(await backUp(source), `${folder.path}/work`, { output: "sql" });
    Deno.writeTextFileSync(`${folder.path}/script.sql`, script);
    run("sh", "-c", `sqlite3 -bail "${target}" < "${folder.path}/script.sql"`);
    assertSame(target, source);
    assert.equal(run("sqlite3", target, "select title from docs('sail')").trim(), "Ships");
  });
}

Deno.test("sqlScript() of some tables is loaded without an error, and leaves what other tables count alone", async () => {
  using folder = temporaryFolder();
  const [source, target] = [`${folder.path}/source.db`, `${folder.path}/target.db`];
  buildSample(source);
  const archive = await backUp(source);
  const load = async (options: Partial<RestoreRequest>) => {
    const { script } = await restore(archive, `${folder.path}/work`, { output: "sql", ...options });
    Deno.writeTextFileSync(`${folder.path}/script.sql`, script);
    run("sh", "-c", `sqlite3 -bail "${target}" < "${folder.path}/script.sql"`);
  };
  await load({ only: ["orders"] });
  assert.equal(run("sqlite3", target, "select count(*) from orders"), "1000\n");
  run(
    "sqlite3",
    target,
    `create table numbered (id integer primary key autoincrement, v text); create table mine (id integer primary key
     autoincrement); insert into mine values (7)`,
  );
  await load({ only: ["numbered"], dataOnly: true });
  assert.equal(run("sqlite3", target, "select * from sqlite_sequence order by 1"), "mine|7\nnumbered|500\n");
});

/** A sample, its archive in small parts, and a target that holds other data. */
async function scene(folder: string) {
  const [source, target] = [`${folder}/source.db`, `${folder}/target.db`];
  buildSample(source, { rows: 20_000 });
  const archive = await backUp(source, { partBytes: 64 << 10 });
  const db = new DatabaseSync(target);
  db.exec(
    "create table other (v); insert into other values (1); create table orders (old); insert into orders values (2)",
  );
  db.close();
  return { source, target, archive };
}

const refused = (code: string) => (error: unknown) => error instanceof VaultraError && error.code === code;

Deno.test("TableRestore reads only the parts that hold the chosen tables", async () => {
  using folder = temporaryFolder();
  const { archive, source } = await scene(folder.path);
  const { PageFetch } = await import("./page_fetch.ts");
  const root = Number(run("sqlite3", source, "select rootpage from sqlite_schema where name = 'numbered'"));
  const reader = new MemoryReader(archive);
  using fetch = await PageFetch.create(reader, `${folder.path}/pages`);
  await fetch?.fetch([1]);
  await fetch?.fetch([root]);
  const parts = archive.entries.filter((entry) => entry.section === "data").length;
  assert.ok(parts > 20 && reader.reads < 8, `${reader.reads} reads of ${parts} parts`);
});

Deno.test("TableRestore appends tables to an existing database and leaves the others", async () => {
  using folder = temporaryFolder();
  const { archive, source, target } = await scene(folder.path);
  const report = await restore(archive, target, { only: ["numbered", "docs"], ifExists: "append" });
  assert.equal(run("sqlite3", target, "select v from other; select old from orders"), "1\n2\n");
  assert.equal(
    everything(target, ["numbered", "docs_content", "docs_data"]),
    everything(source, ["numbered", "docs_content", "docs_data"]),
  );
  assert.equal(
    run("sqlite3", target, "select seq from sqlite_sequence where name = 'numbered'").trim(),
    "500",
  );
  assert.equal(run("sqlite3", target, "pragma integrity_check").trim(), "ok");
  assert.equal(report.objects.find(({ name }) => name === "numbered")?.rows, 1);
});

Deno.test("TableRestore announces that it may be silent while indexes are made", async () => {
  using folder = temporaryFolder();
  const { archive } = await scene(folder.path);
  const target = `${folder.path}/new.db`;
  const announced: string[] = [];
  await using adapter = await plugin.open(configOf(target), {
    ...context(),
    purpose: "restore",
    async blocking(milliseconds, call) {
      assert.ok(milliseconds > 60_000);
      announced.push(exists(target) ? "after" : "before");
      const result = await call();
      announced.push(schemaOf(target, "type = 'index' and sql is not null") === "" ? "before" : "after");
      return result;
    },
  });
  await using restoring = await adapter.restore(restoreRequest(archive, { only: ["orders"] }));
  await restoring.plan();
  await restoring.pull(new MemoryReader(archive));
  await restoring.commit();
  assert.deepEqual(announced, ["before", "after"]);
});

Deno.test("TableRestore does not append a table that exists", async () => {
  using folder = temporaryFolder();
  const { archive, target } = await scene(folder.path);
  const before = run("sqlite3", target, ".sha3sum");
  await assert.rejects(
    restore(archive, target, { only: ["orders"], ifExists: "append" }),
    refused("target.exists"),
  );
  await assert.rejects(restore(archive, target, { only: ["orders"] }), refused("target.exists"));
  assert.equal(run("sqlite3", target, ".sha3sum"), before);
});

Deno.test("TableRestore replaces chosen tables in an existing database", async () => {
  using folder = temporaryFolder();
  const { archive, source, target } = await scene(folder.path);
  await restore(archive, target, { only: ["orders", "docs"], ifExists: "replace" });
  await restore(archive, target, { only: ["orders", "docs"], ifExists: "replace" });
  assert.equal(run("sqlite3", target, "select v from other"), "1\n");
  assert.equal(everything(target, ["orders", "docs_idx"]), everything(source, ["orders", "docs_idx"]));
  assert.equal(schemaOf(target, "tbl_name = 'orders'"), schemaOf(source, "tbl_name = 'orders'"));
  assert.equal(run("sqlite3", target, "pragma integrity_check").trim(), "ok");
});

Deno.test("TableRestore keeps the target as it was when copying fails", async () => {
  using folder = temporaryFolder();
  const { archive, target } = await scene(folder.path);
  const before = run("sqlite3", target, ".sha3sum");
  const rows = { only: ["orders"], dataOnly: true, ifExists: "append" } as const;
  await assert.rejects(
    restore(archive, target, rows),
    (error) => error instanceof VaultraError && error.family === "target",
  );
  assert.equal(run("sqlite3", target, ".sha3sum"), before);
});

Deno.test("TableRestore proves what it copied, in the archive and in the target, shadow tables too", async () => {
  using folder = temporaryFolder();
  const { archive, source } = await scene(folder.path);
  const target = `${folder.path}/new.db`;
  const chosen = { only: ["loose", "docs", "without_rowid"] };
  const { objects, expected } = await restore(archive, target, chosen);
  const proven = objects.filter(({ proof }) => proof !== undefined);
  assert.deepEqual(expected, proven);
  assert.deepEqual(
    proven.map(({ name }) => name).sort(),
    ["docs_config", "docs_content", "docs_data", "docs_docsize", "docs_idx", "loose", "without_rowid"],
  );
  using connection = closing(new DatabaseSync(source));
  for (const { name, rows, proof } of proven) {
    assert.deepEqual({ rows, proof }, await proveTable(connection, name, new AbortController().signal));
  }
  for (const proof of ["rows", "none"] as const) {
    const report = await restore(archive, `${folder.path}/${proof}.db`, { ...chosen, proof });
    assert.equal(report.expected, undefined);
    assert.ok(report.objects.every((object) => object.proof === undefined));
  }
});

Deno.test("TableRestore proves the rows that it adds to others", async () => {
  using folder = temporaryFolder();
  const { archive, target } = await scene(folder.path);
  run("sqlite3", target, "create table loose (v text); insert into loose (rowid, v) values (77, 'mine')");
  const { objects, expected } = await restore(archive, target, {
    only: ["loose"],
    dataOnly: true,
    ifExists: "append",
  });
  assert.equal(run("sqlite3", target, "select count(*) from loose").trim(), "5");
  assert.equal(objects[0]?.rows, 4);
  assert.ok(objects[0]?.proof !== undefined);
  assert.deepEqual(expected, objects);
});

const unfaithful = {
  "loses a row": ["create table affinity (i, t unique on conflict ignore, r, n, b)", /1 rows instead of 2/],
  "changes a value": ["create table affinity (i text, t text, r real, n numeric, b blob)", /other content/],
  "replaces a row that was there": [
    "create table affinity (i, t text, r, n, b, one default 1 unique on conflict replace); insert into affinity (rowid, i) values (99, 0)",
    /0 rows instead of 2/,
  ],
} as const;

for (const [what, [table, message]] of Object.entries(unfaithful)) {
  Deno.test(`TableRestore leaves the target as it was when it ${what}`, async () => {
    using folder = temporaryFolder();
    const source = `${folder.path}/source.db`;
    buildSample(source);
    run("sqlite3", source, "update affinity set t = 'same'");
    const archive = await backUp(source);
    const target = `${folder.path}/target.db`;
    run("sqlite3", target, table);
    const before = run("sqlite3", target, ".sha3sum");
    const options = { only: ["affinity"], dataOnly: true, ifExists: "append" } as const;
    await assert.rejects(
      restore(archive, target, options),
      (error) =>
        error instanceof VaultraError && error.code === "different.restored" && message.test(error.message),
    );
    assert.equal(run("sqlite3", target, ".sha3sum"), before);
    await restore(archive, target, { ...options, proof: "none" });
    assert.notEqual(run("sqlite3", target, ".sha3sum"), before);
  });
}

Deno.test("TableRestore restores schema only, then rows only, without firing triggers", async () => {
  using folder = temporaryFolder();
  const { archive, source } = await scene(folder.path);
  const target = `${folder.path}/new.db`;
  const chosen = { only: ["loose", "numbered", "docs"] };
  await restore(archive, target, { ...chosen, schemaOnly: true });
  assert.equal(run("sqlite3", target, "select count(*) from loose; select count(*) from docs"), "0\n0\n");
  await restore(archive, target, { ...chosen, dataOnly: true, ifExists: "replace" });
  for (const table of ["loose", "numbered", "docs_content"]) {
    assert.equal(everything(target, [table]), everything(source, [table]));
  }
  assert.equal(schemaOf(target, "type = 'trigger'"), schemaOf(source, "name = 'loose_insert'"));
  assert.equal(run("sqlite3", target, "select title from docs('sail')").trim(), "Ships");
});

Deno.test("TableRestore works on an archive that comes from a pipe", async () => {
  using folder = temporaryFolder();
  const { archive, source } = await scene(folder.path);
  const target = `${folder.path}/new.db`;
  const { objects: _, ...rest } = { objects: archive.summary.objects };
  await restore({ ...archive }, target, { only: ["orders"], ...rest, objects: undefined as never });
  assert.equal(everything(target, ["orders"]), everything(source, ["orders"]));
});

Deno.test("TableRestore names what there is when nothing matches, or not everything that was named", async () => {
  using folder = temporaryFolder();
  const { archive } = await scene(folder.path);
  const piped = { objects: undefined as never };
  for (const only of [["ordres"], ["orders", "ordres"], ["ordr?s"]]) {
    for (const origin of [{}, piped]) {
      await assert.rejects(
        restore(archive, `${folder.path}/new.db`, { only, ...origin }),
        (error) =>
          error instanceof VaultraError && error.code === "usage.no-such-object" &&
          /orders/.test(error.hint ?? ""),
      );
      assert.ok(!exists(`${folder.path}/new.db`));
    }
  }
});

Deno.test("TableRestore keeps text in a target of another encoding", async () => {
  using folder = temporaryFolder();
  const { archive, source } = await scene(folder.path);
  const target = `${folder.path}/wide.db`;
  const db = new DatabaseSync(target);
  db.exec("pragma encoding = 'UTF-16le'; create table other (v)");
  db.close();
  await restore(archive, target, { only: ["loose"], ifExists: "append" });
  const query = "select rowid, v from loose";
  assert.equal(run("sqlite3", target, query), run("sqlite3", source, query));
});

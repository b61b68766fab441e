import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RestoreReport, RestoreRequest } from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { run } from "../../tests/fakes/machine.ts";
import {
  backUp,
  closing,
  configOf,
  context,
  type MemoryArchive,
  MemoryReader,
  restoreRequest,
} from "../../tests/fakes/sqlite_kit.ts";
import plugin from "./plugin.ts";

/** An archive of which parts are missing. */
class DamagedReader extends MemoryReader {
  readonly #missing: ReadonlySet<number>;
  readonly #known: number;

  /** @param known Parts at the end may be lost with their lengths. */
  constructor(archive: MemoryArchive, missing: Iterable<number>, known = Infinity) {
    super(archive);
    this.#missing = new Set(missing);
    this.#known = known;
  }

  override read(section: string, object: number, part: number): Promise<Bytes> {
    if (!this.#missing.has(part)) return super.read(section, object, part);
    return Promise.reject(new VaultraError("damaged.missing-part", `Part ${part} is missing`));
  }

  override async layout(section: string): Promise<number[]> {
    return (await super.layout(section)).slice(0, this.#known);
  }
}

/** Salvages into a database, or as SQL text. */
async function salvage(
  archive: MemoryArchive,
  reader: DamagedReader,
  path: string,
  options: Partial<RestoreRequest> = {},
): Promise<RestoreReport & { readonly script: string }> {
  await using adapter = await plugin.open(configOf(path), { ...context(), purpose: "restore" });
  await using target = await adapter.restore(restoreRequest(archive, { salvage: true, ...options }));
  assert.equal((await target.plan()).mode, "pull");
  await target.pull(reader);
  let script = "";
  if (options.output === "sql") {
    for await (const chunk of target.script()) script += new TextDecoder().decode(chunk);
  }
  return { ...await target.commit(), script };
}

/** A database of several tables, each of many pages, one of them with rows of many pages, one found by text. */
function build(path: string): void {
  run(
    "sqlite3",
    path,
    `pragma page_size = 1024;
    create table counted (id integer primary key autoincrement, v text);
    create table long (id integer primary key, v blob);
    create table keyed (k text primary key, v text) without rowid;
    create table small (v int);
    create virtual table words using fts5 (body);
    create view sums as select count(*) from counted;
    create index counted_v on counted (v);
    create trigger on_small after insert on small begin insert into counted (v) values ('t'); end;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
      insert into counted (v) select 'row ' || i || hex(zeroblob(20)) from n;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 40)
      insert into long (v) select zeroblob(i * 300) from n;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000)
      insert into keyed select 'key ' || i, 'value ' || i from n;
    insert into small values (1), (2), (3);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 500)
      insert into words select 'word' || i || ' and word' || (i * 7) from n;`,
  );
}

/** A folder with that database, and its archive in parts of 32 pages. */
async function prepare() {
  const folder = Deno.makeTempDirSync();
  const source = join(folder, "source.db");
  build(source);
  const archive = await backUp(source, { partBytes: 32 << 10 });
  const parts = archive.entries.filter(({ section }) => section === "data").length;
  return {
    source,
    archive,
    parts,
    path: (name: string) => join(folder, name),
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

function tables(path: string): string[] {
  using database = closing(new DatabaseSync(path, { readOnly: true }));
  return database.prepare("select name from sqlite_schema where type = 'table' order by 1").all()
    .map(({ name }) => String(name));
}

/** All rows of a table, as sqlite3 reads them. */
const rows = (path: string, table: string) =>
  run("sqlite3", path, ".mode quote", `select * from ${table} order by 1`);
const names = ["counted", "keyed", "long", "small", "words"];

Deno.test("SalvageRestore restores every table whose pages are whole, whichever part is missing", async () => {
  using place = await prepare();
  const { source, archive, parts, path } = place;
  assert.ok(parts > 10, `${parts}`);
  const ever = new Set<string>();
  for (let missing = 1; missing < parts; missing++) {
    const target = path(`${missing}.db`);
    const report = await salvage(archive, new DamagedReader(archive, [missing]), target);
    const lost = names.filter((name) =>
      report.warnings.some((warning) => warning.startsWith(`The table "${name}"`))
    );
    const left = names.filter((name) => !lost.includes(name));
    assert.ok(report.warnings.every((warning) => /lost/.test(warning)), report.warnings.join("\n"));
    assert.equal(run("sqlite3", target, "pragma integrity_check").trim(), "ok");
    assert.deepEqual(tables(target).filter((name) => names.includes(name)), left);
    for (const name of left) {
      assert.ok(rows(target, name) === rows(source, name), `${name} without part ${missing}`);
    }
    for (const name of lost) ever.add(name);
  }
  assert.deepEqual([...ever].sort().filter((name) => name !== "small"), [
    "counted",
    "keyed",
    "long",
    "words",
  ]);
});

Deno.test("SalvageRestore restores what a cut left, also when nobody knows how much there was", async () => {
  using place = await prepare();
  const { source, archive, parts, path } = place;
  for (const known of [1, Math.floor(parts / 3), parts - 1]) {
    const target = path(`${known}.db`);
    const reader = new DamagedReader(archive, [], known);
    const done = salvage(archive, reader, target, { properties: {}, bytes: 0 });
    const report = await done.catch((error) => error);
    if (report instanceof VaultraError) {
      assert.equal(report.code, "damaged.tables", report.message);
      continue;
    }
    assert.ok(report.warnings.length > 0);
    assert.equal(run("sqlite3", target, "pragma integrity_check").trim(), "ok");
    for (const name of tables(target).filter((name) => names.includes(name))) {
      assert.ok(rows(target, name) === rows(source, name));
    }
  }
});

Deno.test("SalvageRestore restores the whole file, byte for byte, when no page is missing", async () => {
  using place = await prepare();
  const { source, archive, path } = place;
  const report = await salvage(archive, new DamagedReader(archive, []), path("whole.db"), { objects: [] });
  assert.deepEqual(report.warnings, []);
  assert.ok(run("cmp", path("whole.db"), source) === "");
});

Deno.test("SalvageRestore says what is lost when the first part is, and leaves nothing", async () => {
  using place = await prepare();
  const { archive, path } = place;
  for (const options of [{}, { only: ["small"] }]) {
    await assert.rejects(salvage(archive, new DamagedReader(archive, [0]), path("none.db"), options), {
      code: "damaged.schema-lost",
    });
  }
  assert.deepEqual([...Deno.readDirSync(path("."))].map(({ name }) => name), ["source.db"]);
});

Deno.test("SalvageRestore makes SQL text of the tables that are whole", async () => {
  using place = await prepare();
  const { source, archive, parts, path } = place;
  const report = await salvage(archive, new DamagedReader(archive, [parts - 2]), path("work.db"), {
    output: "sql",
  });
  assert.ok(report.warnings.length > 0);
  Deno.writeTextFileSync(path("script.sql"), report.script);
  run("sqlite3", path("loaded.db"), `.read ${path("script.sql")}`);
  const left = tables(path("loaded.db")).filter((name) => names.includes(name));
  assert.ok(left.length > 0 && left.length < names.length);
  for (const name of left) assert.ok(rows(path("loaded.db"), name) === rows(source, name));
});

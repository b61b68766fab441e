import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import {
  backUp,
  buildVariant,
  closing,
  configOf,
  context,
  type MemoryArchive,
  restore,
  restoreRequest,
  type Variant,
} from "../../tests/fakes/sqlite_kit.ts";
import { joinBlocks } from "../../core/streams/blocks.ts";
import { VaultraError } from "../../core/errors.ts";
import { buildSample } from "../../tests/fakes/sqlite_sample.ts";
import plugin from "./plugin.ts";
import { readRows } from "./table_rows.ts";
import { textBlocks } from "./text_blocks.ts";
import { removeFiles } from "./paths.ts";
import { readSchema, relations } from "./schema.ts";

type Form = "csv" | "json" | "raw";

/** The bytes of a table in one form; nothing is left in the folder. */
async function rowsOf(
  archive: MemoryArchive,
  folder: string,
  name: string,
  output: Form,
): Promise<Uint8Array> {
  const before = [...Deno.readDirSync(folder)].length;
  const { bytes } = await restore(archive, `${folder}/work`, { output, names: [name] });
  assert.equal([...Deno.readDirSync(folder)].length, before);
  return bytes;
}

/** Runs a program of Python on every table of a database: its `table`, and the `path` where its rows lie in some form. */
async function onEveryTable(variant: Variant, output: Form, program: string): Promise<void> {
  using folder = temporaryFolder();
  const source = `${folder.path}/source.db`;
  buildVariant(source, variant);
  const archive = await backUp(source, { partBytes: 70_000 });
  const tables = tablesOf(source);
  assert.ok(tables.length > 20);
  for (const [index, table] of tables.entries()) {
    const bytes = await rowsOf(archive, folder.path, table, output);
    Deno.writeFileSync(`${folder.path}/rows.${index}`, bytes);
  }
  const begin = `import sys, csv, json, base64, sqlite3
folder, tables = sys.argv[1], json.loads(sys.argv[2])
csv.field_size_limit(1 << 30)
connection = sqlite3.connect(folder + "/source.db")
encoding = connection.execute("pragma encoding").fetchone()[0]
for number, table in enumerate(tables):
    path = folder + "/rows." + str(number)
    quoted = '"' + table.replace('"', '""') + '"'
`;
  const body = program.trim().split("\n").map((line) => `    ${line}\n`).join("");
  run("python3", "-c", begin + body, folder.path, JSON.stringify(tables));
}

function tablesOf(path: string): string[] {
  using connection = closing(new DatabaseSync(path));
  return relations(readSchema(connection)).filter(({ kind }) => kind === "table" || kind === "shadow")
    .map(({ name }) => name);
}

const matrix: Variant[] = [{ flawed: true }, { encoding: "UTF-16le", journalMode: "wal" }, {
  pageSize: 512,
  autoVacuum: 2,
}];

const jsonProgram = `
connection.text_factory = bytes
codec = {"UTF-8": "utf-8", "UTF-16le": "utf-16-le"}[encoding]
columns = [row[0].decode() for row in connection.execute("select name from pragma_table_xinfo(?) where hidden <> 1", (table,))]
names = ['"' + column.replace('"', '""') + '"' for column in columns]
# The bytes of text as the file holds them: sqlite3 converts what is UTF-16
values = ", ".join("iif(typeof(%s) = 'text', cast(%s as blob), %s), typeof(%s)" % (name, name, name, name) for name in names)
expected = []
for row in connection.execute("select %s from %s not indexed" % (values, quoted)):
    expected.append([("text", value) if kind == b"text" else value for value, kind in zip(row[::2], row[1::2])])
def plain(value):
    if isinstance(value, dict):
        ((key, content),) = value.items()
        content = base64.b64decode(content, validate=True)
        if key == "$blob": return content
        assert key == "$text"
        try: content.decode(codec)
        except UnicodeDecodeError: return ("text", content)
        raise Exception("valid text as base64")
    return ("text", value.encode(codec)) if isinstance(value, str) else value
found = []
for line in open(path, encoding="utf-8", newline="\\n"):
    document = json.loads(line)
    assert list(document) == columns, (list(document), columns)
    found.append([plain(value) for value in document.values()])
# repr tells 1 from 1.0 and 0.0 from -0.0
assert repr(found) == repr(expected), (repr(found)[:3000], repr(expected)[:3000])
`;

const csvProgram = `
connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
def plain(value):
    if value is None: return ""
    if isinstance(value, bytes): return "\\\\x" + value.hex()
    if isinstance(value, float): return {"inf": "Inf", "-inf": "-Inf"}.get(repr(value), value)
    return str(value)
cursor = connection.execute("select * from %s not indexed" % quoted)
expected = [[plain(value) for value in row] for row in cursor]
with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
    header, *found = list(csv.reader(file, strict=True))
assert header == [each[0] for each in cursor.description]
assert len(found) == len(expected)
for one, other in zip(found, expected):
    # An empty line is a record of one empty field, which Python takes for none
    one = one or [""]
    assert len(one) == len(other)
    for field, value in zip(one, other):
        if isinstance(value, float): assert repr(float(field)) == repr(value), (field, value)
        # sqlite3 and we replace what is invalid in UTF-16 each in a way of its own
        elif not (encoding != "UTF-8" and "\\ufffd" in field): assert field == value, (field[:200], value[:200])
`;

for (const variant of matrix) {
  Deno.test(`TableOutput gives JSON that Python reads as the rows of ${JSON.stringify(variant)}`, async () => {
    await onEveryTable(variant, "json", jsonProgram);
  });

  Deno.test(`TableOutput gives CSV that Python reads as the rows of ${JSON.stringify(variant)}`, async () => {
    await onEveryTable(variant, "csv", csvProgram);
  });

  Deno.test(`TableOutput gives statements from which sqlite3 makes the rows of ${JSON.stringify(variant)}`, async () => {
    using folder = temporaryFolder();
    const [source, made] = [`${folder.path}/source.db`, `${folder.path}/made.db`];
    buildVariant(source, variant);
    const archive = await backUp(source, { partBytes: 70_000 });
    for (
      const table of [
        "extremes",
        "loose",
        "without_rowid",
        "generated",
        "numbered",
        'odd "name"',
        "empty_one",
      ]
    ) {
      const bytes = await rowsOf(archive, folder.path, table, "raw");
      Deno.writeFileSync(`${folder.path}/rows.sql`, bytes);
      const dump = `.dump '${table}'`;
      removeFiles([made]);
      const create = run(
        "sqlite3",
        source,
        `select sql from sqlite_schema where type = 'table' and name = '${table}'`,
      );
      run(
        "sqlite3",
        made,
        `pragma encoding = '${run("sqlite3", source, "pragma encoding").trim()}'; ${create}`,
      );
      run("sh", "-c", `sqlite3 -bail ${made} < ${folder.path}/rows.sql`);
      const inserts = (path: string) =>
        run("sqlite3", path, dump).split("\n").filter((line) => line.startsWith("INSERT")).join("\n");
      assert.equal(inserts(made), inserts(source), table);
    }
  });
}

/** Makes a database of these statements, and backs it up. */
async function archiveOf(folder: string, ...statements: string[]): Promise<MemoryArchive> {
  using connection = closing(new DatabaseSync(`${folder}/source.db`));
  for (const statement of statements) connection.exec(statement);
  return await backUp(`${folder}/source.db`, { partBytes: 1 << 20 });
}

Deno.test("csvRows() tells null, empty text, blobs and text that looks like one apart", async () => {
  using folder = temporaryFolder();
  const archive = await archiveOf(
    folder.path,
    `create table t (a, "b ""c"",", "ü")`,
    `insert into t values (null, '', x''), (1, 1.0, '1'), (x'00ff', '\\x00ff', '\\y'), ('a,b', 'a"b""', 'a' || char(13) || 'b'),
      (9223372036854775807, -0.0, 1e300), ('"', char(10), ' '), (cast(x'61ff00' as text), null, null)`,
  );
  const bytes = await rowsOf(archive, folder.path, "t", "csv");
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  assert.equal(
    text,
    [
      `a,"b ""c"",",\u00c3\u00bc`,
      `,"",\\x`,
      `1,1.0,1`,
      `\\x00ff,"\\x00ff",\\y`,
      `"a,b","a""b""""","a\rb"`,
      `9223372036854775807,-0.0,1e+300`,
      `"""","\n", `,
      `a\u00ff\u0000,,`,
      "",
    ].join("\r\n"),
  );
});

Deno.test("csvRows() and jsonRows() give what sqlite3 gives, where both have one form", async () => {
  using folder = temporaryFolder();
  const archive = await archiveOf(
    folder.path,
    `create table t (id integer primary key, word text, twice as (id * 2), big int) `,
    `insert into t (id, word, big) values (1, 'one', 9007199254740993), (-2, 'two "2"', -9223372036854775808), (3, 'a,b', null)`,
  );
  const source = `${folder.path}/source.db`;
  const text = async (form: Form) => new TextDecoder().decode(await rowsOf(archive, folder.path, "t", form));
  assert.equal(await text("csv"), run("sqlite3", source, ".mode csv", ".headers on", "select * from t"));
  const lines = run("sqlite3", "-json", source, "select * from t").trim().replace(/^\[|\]$/g, "");
  assert.equal(await text("json"), `${lines.replaceAll("},\n", "}\n")}\n`);
});

Deno.test("TableOutput carries long values, and tables of many columns", async () => {
  using folder = temporaryFolder();
  const columns = Array.from({ length: 1500 }, (_, index) => `c${index}`);
  const archive = await archiveOf(
    folder.path,
    "create table long (id integer primary key, v)",
    `insert into long values (1, printf('%.*c', 10000000, 'x')), (2, zeroblob(10000000))`,
    `update long set v = replace(v, 'xxxx', 'é"x') where id = 1`,
    `create table wide (${columns})`,
    `insert into wide (c0, c999, c1499) values (x'01', 'text', 1.5)`,
  );
  const json = new TextDecoder().decode(await rowsOf(archive, folder.path, "long", "json"));
  const [first, second, rest] = json.split("\n");
  assert.equal(JSON.parse(first!).v, 'é"x'.repeat(2_500_000));
  assert.equal(Uint8Array.fromBase64(JSON.parse(second!).v["$blob"]).length, 10_000_000);
  assert.equal(rest, "");
  const csv = new TextDecoder().decode(await rowsOf(archive, folder.path, "long", "csv"));
  assert.equal(csv, `id,v\r\n1,"${'é""x'.repeat(2_500_000)}"\r\n2,\\x${"00".repeat(10_000_000)}\r\n`);
  const [row] = new TextDecoder().decode(await rowsOf(archive, folder.path, "wide", "json")).split("\n");
  assert.deepEqual(Object.entries(JSON.parse(row!)).filter(([, value]) => value !== null), [
    ["c0", { $blob: "AQ==" }],
    ["c999", "text"],
    ["c1499", 1.5],
  ]);
});

Deno.test("TableOutput refuses what is no table, and names what was meant", async () => {
  using folder = temporaryFolder();
  buildSample(`${folder.path}/source.db`);
  const archive = await backUp(`${folder.path}/source.db`);
  const refusals: [name: string, code: string, told: RegExp][] = [
    ["order", "usage.no-such-object", /Did you mean "orders"\?/],
    ["LOOSE", "usage.no-such-object", /Did you mean "loose"\?/],
    ["main", "usage.no-such-object", /--objects/],
    ["big_orders", "usage.not-a-table", /view.*query it there/],
    ["docs", "usage.not-a-table", /virtual table.*"docs_content"/],
  ];
  for (const [name, code, told] of refusals) {
    // From the manifest's list, and from the schema where there is none.
    for (const objects of [archive.summary.objects, archive.summary.objects.slice(0, 1)]) {
      await assert.rejects(
        restore(archive, `${folder.path}/work`, { output: "csv", names: [name], objects }),
        (error) =>
          error instanceof VaultraError && error.code === code && told.test(`${error.message} ${error.hint}`),
        name,
      );
    }
  }
  for (const names of [[], ["orders", "loose"]]) {
    await assert.rejects(
      restore(archive, `${folder.path}/work`, { output: "csv", names }),
      /one table|One table|at a time/,
    );
  }
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["source.db"]);
});

Deno.test("TableOutput reads an archive in order where it can't be read by range, and says when the table is corrupt", async () => {
  using folder = temporaryFolder();
  buildSample(`${folder.path}/source.db`);
  const archive = await backUp(`${folder.path}/source.db`);
  const { objects: _objects, ...request } = restoreRequest(archive, { output: "csv", names: ["loose"] });
  const piped = async (entries: MemoryArchive["entries"]) => {
    await using adapter = await plugin.open(configOf(`${folder.path}/work`), {
      ...context(),
      purpose: "restore",
    });
    await using target = await adapter.restore(request);
    assert.equal((await target.plan()).mode, "stream");
    for (const entry of entries) await target.write(entry);
    return (await Array.fromAsync(target.script(), (block) => new TextDecoder().decode(block))).join("");
  };
  const whole = await piped(archive.entries);
  assert.equal(whole, "v\r\nminus five\r\none\r\nmillion\r\nlast\r\n");
  const root = Number(
    run("sqlite3", `${folder.path}/source.db`, "select rootpage from sqlite_schema where name = 'loose'"),
  );
  const entries = archive.entries.map((entry) => {
    const bytes = joinBlocks(entry.bytes).slice();
    if (entry.section === "data") bytes.fill(0xee, (root - 1) * 4096, root * 4096);
    return { ...entry, bytes: [bytes] };
  });
  await assert.rejects(
    piped(entries),
    (error) => error instanceof VaultraError && error.code === "damaged.tables",
  );
});

Deno.test("TableOutput tells why rows can't be computed", async () => {
  using folder = temporaryFolder();
  run(
    "python3",
    "-c",
    `import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.create_function("foreign_one", 1, lambda value: value, deterministic=True)
connection.execute("create table t (a, b as (foreign_one(a)))")
connection.execute("insert into t values (1)")
connection.commit()`,
    `${folder.path}/source.db`,
  );
  const archive = await backUp(`${folder.path}/source.db`, { check: "none", proof: "none" });
  await assert.rejects(
    restore(archive, `${folder.path}/work`, { output: "json", names: ["t"] }),
    (error) =>
      error instanceof VaultraError && error.code === "failed.rows" &&
      /"t" can't be read: .*foreign_one/.test(error.message),
  );
});

Deno.test("readRows() throws where a row can't be read, and does not only end", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/source.db`;
  const rows = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)";
  run("sqlite3", path, "create table t (v)", `${rows} insert into t select hex(randomblob(50)) from n`);
  const bytes = Deno.readFileSync(path);
  // A leaf in the middle of the table
  bytes.fill(0xee, 39 * 4096, 40 * 4096);
  Deno.writeFileSync(path, bytes);
  {
    using connection = closing(new DatabaseSync(path));
    assert.throws(
      () => [...readRows(connection, { name: "t", columns: ["v"] })],
      /database disk image is malformed/,
    );
  }
  // So that no restore of the table ends as if that were all of it.
  const archive = await backUp(path, { check: "none", proof: "none" });
  const { objects: _objects, ...request } = restoreRequest(archive, { proof: "none" });
  for (
    const choice of [{ only: ["t"] }, { output: "sql", only: ["t"] }, {
      output: "csv",
      names: ["t"],
    }] as const
  ) {
    await using adapter = await plugin.open(configOf(`${folder.path}/work`), {
      ...context(),
      purpose: "restore",
    });
    await using target = await adapter.restore({ ...request, ...choice });
    await target.plan();
    for (const entry of archive.entries) await target.write(entry);
    const reading = "output" in choice ? Array.fromAsync(target.script()) : target.commit();
    await assert.rejects(
      reading,
      (error) => error instanceof VaultraError && error.family === "damaged",
      JSON.stringify(choice),
    );
  }
});

Deno.test("textBlocks() makes blocks of 64 KiB and more, and stops when told", async () => {
  const pieces = function* () {
    for (let at = 0; at < 100_000; at++) yield at % 2 ? "é😀" : new Uint8Array(at % 50).fill(65);
    yield new Uint8Array(1 << 20);
  };
  const lengths: number[] = [];
  const parts: string[] = [];
  const decoder = new TextDecoder();
  for await (const block of textBlocks(pieces(), new AbortController().signal)) {
    lengths.push(block.length);
    parts.push(decoder.decode(block, { stream: true }));
  }
  assert.ok(lengths.slice(0, -1).every((length) => length >= 64 << 10));
  const expected = [...pieces()].map((piece) =>
    typeof piece === "string" ? piece : new TextDecoder().decode(piece)
  );
  assert.equal(parts.join(""), expected.join(""));
  const controller = new AbortController();
  await assert.rejects(async () => {
    for await (const _block of textBlocks(pieces(), controller.signal)) {
      controller.abort(new VaultraError("interrupted", "Enough"));
    }
  }, /Enough/);
});

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { rowSumProof } from "../../core/proof/row_sum.ts";
import { temporaryFolder } from "../../tests/fakes/machine.ts";
import { buildVariant, closing, type Variant } from "../../tests/fakes/sqlite_kit.ts";
import { number, quote } from "./connection.ts";
import { RowHasher } from "./row_hasher.ts";
import { readSchema } from "./schema.ts";
import { proveTable } from "./table_proof.ts";
import { readRows, tableShape } from "./table_rows.ts";

const { signal } = new AbortController();

/** A database in memory. */
function database(...statements: readonly string[]) {
  const connection = closing(new DatabaseSync(":memory:"));
  for (const statement of statements) connection.exec(statement);
  return connection;
}

/** The same proof the long way: every row as bytes. */
function proveByBytes(connection: DatabaseSync, name: string): { rows: number; proof: string } {
  const hasher = new RowHasher(name);
  for (const row of readRows(connection, tableShape(connection, name))) hasher.add(row);
  const total = hasher.finish();
  return { rows: total.rows, proof: rowSumProof(total) };
}

/** The proof of a table `t` that holds these values, one a row. */
async function proofOf(...values: readonly string[]): Promise<string> {
  using connection = database(
    "create table t (v)",
    `insert into t values ${values.map((value) => `(${value})`)}`,
  );
  const { proof } = await proveTable(connection, "t", signal);
  return proof;
}

Deno.test("proveTable() makes the format's vectors, which another program computed", async () => {
  const file = new URL("../../tests/testdata/proof-v1/sqlite_tables.json", import.meta.url);
  const vectors = JSON.parse(await Deno.readTextFile(file)) as {
    table: string;
    sql: string[];
    rows: number;
    proof: string;
  }[];
  assert.ok(vectors.length >= 8);
  for (const { table, sql, rows, proof } of vectors) {
    using connection = database(...sql);
    assert.deepEqual(await proveTable(connection, table, signal), { rows, proof }, table);
  }
});

const matrix: readonly Variant[] = [
  { rows: 5000 },
  { encoding: "UTF-16le" },
  { pageSize: 512, autoVacuum: 1 },
];

for (const variant of matrix) {
  Deno.test(`proveTable() proves every table of ${JSON.stringify(variant)}, and its copy with other pages`, async () => {
    using folder = temporaryFolder();
    const [path, copy] = [`${folder.path}/sample.db`, `${folder.path}/copy.db`];
    buildVariant(path, variant);
    using connection = closing(new DatabaseSync(path));
    connection.exec("pragma page_size = 8192");
    connection.exec(`vacuum into '${copy}'`);
    using copied = closing(new DatabaseSync(copy));
    assert.equal(number(copied, "pragma page_size"), 8192);
    let proven = 0;
    for (const { name, root } of readSchema(connection).filter(({ type }) => type === "table")) {
      if (root === 0) continue;
      const proof = await proveTable(connection, name, signal);
      assert.deepEqual(proof, proveByBytes(connection, name), name);
      assert.equal(proof.rows, connection.prepare(`select count(*) as n from ${quote(name)}`).get()?.n, name);
      // VACUUM gives rowids anew where no column keeps them.
      if (["orders", "numbered", "without_rowid", "generated", "docs_content"].includes(name)) {
        assert.deepEqual(await proveTable(copied, name, signal), proof, name);
        proven++;
      }
    }
    assert.equal(proven, 5);
  });
}

Deno.test("proveTable() tells every value from those that look like it", async () => {
  const alike = [
    ["null", "''", "x''", "0"],
    ["1", "1.0", "'1'", "x'31'"],
    ["0.0", "-0.0", "0"],
    ["9223372036854775807", "9223372036854775806", "9223372036854775807.0"],
    ["'a'", "'a' || char(0)", "'a' || char(0) || 'b'", "'a' || char(0) || 'c'"],
    ["cast(x'ff' as text)", "cast(x'fe' as text)", "char(65533)"],
    // As many bytes as what replaces them
    ["cast(x'f09f98' as text)", "cast(x'f09f97' as text)", "char(65533)"],
    ["cast(x'f09f98' || 'a' || char(0) as text)", "cast(x'f09f98' || 'b' || char(0) as text)"],
  ];
  for (const values of alike) {
    const proofs = await Promise.all(values.map((value) => proofOf("'before'", value, "'after'")));
    assert.equal(new Set(proofs).size, values.length, values.join());
  }
});

Deno.test("proveTable() sees a row that is lost, doubled or moved to another rowid, and no other order", async () => {
  const fill = "insert into t (rowid, v) values (1, 'a'), (2, 'b'), (3, 'c')";
  const prove = async (...statements: readonly string[]) => {
    using connection = database("create table t (v)", ...statements);
    return (await proveTable(connection, "t", signal)).proof;
  };
  const whole = await prove(fill);
  assert.equal(await prove("insert into t (rowid, v) values (3, 'c'), (1, 'a'), (2, 'b')"), whole);
  for (
    const change of [
      "delete from t where v = 'b'",
      "insert into t values ('b')",
      "update t set rowid = 9 where v = 'b'",
      "update t set v = 'B' where v = 'b'",
    ]
  ) assert.notEqual(await prove(fill, change), whole, change);
});

Deno.test("proveTable() takes rows longer than its blocks, text with anything in it, and empty strings, batch by batch", async () => {
  using connection = database(
    "create table t (a, b)",
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 9000)
     insert into t select printf('%.*c', i % 90, 'ä'), case i % 3000 when 7 then 'nul' || char(0) when 8 then cast(x'ff' as text) end from n`,
    "insert into t values (zeroblob(3000000), null), (null, printf('%.2500000c', 'x')), (printf('%.1500000c', 'ö'), zeroblob(9))",
    "insert into t select printf('%.20000c', 'y'), randomblob(i) from (with recursive n (i) as (select 1 union all select i + 1 from n where i < 300) select i from n)",
    "insert into t values ('', x'')",
  );
  const proof = await proveTable(connection, "t", signal);
  assert.deepEqual(proof, proveByBytes(connection, "t"));
  assert.equal(proof.rows, 9304);
});

Deno.test("proveTable() ends when it is told to", async () => {
  using connection = database(
    `create table t as with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000) select i from n`,
  );
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 1);
  await assert.rejects(proveTable(connection, "t", controller.signal), /enough/);
});

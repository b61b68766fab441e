import assert from "node:assert/strict";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import { realLiteral } from "./sql_script.ts";

Deno.test("realLiteral() is read by sqlite3 as the same number", () => {
  using folder = temporaryFolder();
  const view = new DataView(new ArrayBuffer(8));
  let seed = 7;
  const values = [
    0,
    -0,
    1,
    -1,
    0.1,
    1 / 3,
    5e-324,
    2.2250738585072014e-308,
    Number.MAX_VALUE,
    2 ** 53,
    2 ** 53 + 2,
    1e15,
    1e21,
    123456.789,
    Infinity,
    -Infinity,
  ];
  while (values.length < 20_000) {
    for (let at = 0; at < 8; at += 2) view.setUint16(at, (seed = (seed * 48271) % 2147483647) >>> 8);
    const value = values.length % 2 ? view.getFloat64(0) : (seed % 2_000_000_000) / 1000;
    if (Number.isFinite(value)) values.push(value);
  }
  const script = values.map((value) => `insert into t values (${realLiteral(value)});`).join("\n");
  Deno.writeTextFileSync(`${folder.path}/a.sql`, `create table t (v);\nbegin;\n${script}\ncommit;\n`);
  run("sh", "-c", `sqlite3 ${folder.path}/a.db < ${folder.path}/a.sql`);
  const program = `import sqlite3,sys,struct
for (v,) in sqlite3.connect(sys.argv[1]).execute("select v from t order by rowid"): print(struct.pack(">d", v).hex() if type(v) is float else repr(v))`;
  const read = run("python3", "-c", program, `${folder.path}/a.db`).trim().split("\n");
  values.forEach((value, index) => {
    view.setFloat64(0, value);
    assert.equal(read[index], view.getBigUint64(0).toString(16).padStart(16, "0"), realLiteral(value));
  });
});

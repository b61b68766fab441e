import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { closing } from "../../tests/fakes/sqlite_kit.ts";
import { temporaryFolder } from "../../tests/fakes/machine.ts";
import { checkIntegrity } from "./integrity.ts";

Deno.test("checkIntegrity() finds a damaged row behind many that only break a rule", () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.db`;
  let page: number;
  {
    using writing = closing(new DatabaseSync(path));
    // SQLite looks at the newest table first
    writing.exec(`create table damaged (v); insert into damaged values ('hello');
      create table flawed (v check (v > 0)); pragma ignore_check_constraints = on;
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 150) insert into flawed select -i from n`);
    page = Number(
      writing.prepare("select rootpage from sqlite_schema where name = 'damaged'").get()?.rootpage,
    );
  }
  const bytes = Deno.readFileSync(path);
  const root = (page - 1) * 4096;
  const cell = root + new DataView(bytes.buffer).getUint16(root + 8);
  // The column's type, behind the row's length, its rowid and its header's length: a text longer than the row
  assert.equal(bytes[cell + 3], 13 + 2 * "hello".length);
  bytes[cell + 3] = 127;
  Deno.writeFileSync(path, bytes);
  using reading = closing(new DatabaseSync(path));
  for (const level of ["quick", "full"] as const) {
    const { damage, flaws } = checkIntegrity(reading, level);
    assert.deepEqual(damage, ["database disk image is malformed"]);
    assert.equal(flaws.length, 100);
  }
});

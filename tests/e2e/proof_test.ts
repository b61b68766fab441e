import assert from "node:assert/strict";
import { jsonLines, testEach, type Workplace } from "./workplace.ts";

const from = ["restore", "latest", "--store", "./office"];

async function prepare(place: Workplace): Promise<void> {
  place.sample("shop.db");
  await place.ok("backup", "--db", "sqlite:shop.db", "--to", "./office");
}

testEach("vaultra says how much of a restore it compared, and how", async (place) => {
  await prepare(place);
  assert.match(
    await place.ok(...from, "--to", "sqlite:whole.db"),
    /^ {2}18 of 18 tables, 17 of 17 shadow tables identical to what was backed up$/m,
  );
  const tables = ["--only", "orders", "--only", "loose"];
  assert.match(
    await place.ok(...from, ...tables, "--to", "sqlite:two.db"),
    /^ {2}2 of 2 tables identical to what /m,
  );
  const counted = await place.ok(...from, ...tables, "--proof", "rows", "--to", "sqlite:rows.db");
  assert.match(counted, /^ {2}2 of 2 tables with as many rows as were backed up$/m);
  assert.doesNotMatch(await place.ok(...from, "--proof", "none", "--to", "sqlite:none.db"), / of /);

  const [result] = jsonLines(await place.ok(...from, "--only", "orders", "--to", "sqlite:json.db", "--json"))
    .slice(-1);
  assert.deepEqual(result.comparison, {
    compared: 1,
    identical: 1,
    kinds: [{ kind: "table", compared: 1, identical: 1 }],
    differences: [],
  });
  assert.deepEqual(result.report.expected, result.report.objects);
  assert.match(result.report.objects[0].proof, /^murmur3-sum:[0-9a-f]{32}$/);
});

testEach(
  "vaultra ends with 15, and leaves the target alone, when that changes what it is given",
  async (place) => {
    await prepare(place);
    await place.bash("sqlite3 other.db 'create table affinity (i text, t text, r real, n numeric, b blob)'");
    const before = await place.bash("sqlite3 other.db .sha3sum");
    const args = [
      ...from,
      "--only",
      "affinity",
      "--data-only",
      "--if-exists",
      "append",
      "--to",
      "sqlite:other.db",
    ];
    const { stderr } = await place.fails(15, args);
    assert.match(stderr, /^error: .*table "affinity" has other content than was backed up$/m);
    const { stdout } = await place.run([...args, "--json"]);
    const [{ error, exitCode }] = jsonLines(stdout).slice(-1);
    assert.deepEqual([exitCode, error.code], [15, "different.restored"]);
    assert.deepEqual(error.details.differences, ['table "affinity" has other content than was backed up']);
    assert.equal(await place.bash("sqlite3 other.db .sha3sum"), before);
    await place.ok(...args, "--proof", "rows");
  },
);

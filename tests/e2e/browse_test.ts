import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { jsonLines, smallDisk, testEach, type Workplace } from "./workplace.ts";

const config = `version: 1
stores:
  office: { url: "file:./backups" }
  attic: { url: "file:./attic" }
jobs:
  shop: { database: "sqlite:./shop.db", store: office }
  other: { database: "sqlite:./other.db", store: attic }
  rows: { database: "sqlite:./shop.db", store: office, proof: rows }
`;

async function prepare(place: Workplace): Promise<void> {
  place.sample("shop.db", { rows: 3000 });
  await Deno.writeTextFile(place.path("vaultra.yaml"), config);
  await Deno.mkdir(place.path("tmp"));
}

/** Makes a backup; its id. */
async function backUp(place: Workplace, job: string): Promise<string> {
  const { record } = jsonLines(await place.ok("backup", job, "--json")).at(-1);
  return record.id;
}

/** Nothing is left in the temporary folder, which the runs of this test were told of. */
async function assertCleared(place: Workplace): Promise<void> {
  assert.deepEqual(await place.files("tmp"), []);
  assert.equal(await place.bash("ls -A tmp"), "");
}

/** Vaultra as a word of bash, with the test's temporary folder. */
function word({ vaultra }: Workplace): string {
  const quoted = [vaultra.command, ...vaultra.args].map((part) => `'${part}'`).join(" ");
  return `env TMPDIR=$PWD/tmp ${quoted}`;
}

testEach("vaultra cat writes the rows of one table in three forms", async (place) => {
  await prepare(place);
  await backUp(place, "shop");
  const vaultra = word(place);
  await place.bash(
    `cmp <(${vaultra} cat latest orders) <(sqlite3 shop.db '.mode csv' '.headers on' 'select * from orders' |
    python3 -c 'import csv, sys; csv.writer(sys.stdout).writerows(csv.reader(sys.stdin))')`,
  );
  await place.bash(`${vaultra} cat latest 'odd "name"' --as json > odd.jsonl`);
  assert.deepEqual(
    jsonLines(await Deno.readTextFile(place.path("odd.jsonl"))),
    [{ id: 1, v: "X", n: 5 }, { id: 2, v: "X", n: 6 }],
  );
  // With --json nothing but rows is written, and they are JSON
  await place.bash(`cmp odd.jsonl <(${vaultra} cat latest 'odd "name"' --json)`);
  await place.bash(`${vaultra} cat latest loose --as raw > loose.sql
    sqlite3 loose.db 'create table loose (v text)'; sqlite3 -bail loose.db < loose.sql
    cmp <(sqlite3 shop.db '.dump loose' | grep INSERT) <(sqlite3 loose.db '.dump loose' | grep INSERT)`);
  assert.equal(await place.ok("cat", "latest", "empty_one"), "a,b\r\n");
  assert.equal(await place.ok("cat", "latest", "empty_one", "--as", "json"), "");
  await assertCleared(place);
});

testEach("vaultra cat ends quietly when its reader has enough", async (place) => {
  await prepare(place);
  const rows = new DatabaseSync(place.path("shop.db"));
  rows.exec("create table long as select id, hex(randomblob(20000)) as v from orders limit 500");
  rows.close();
  await backUp(place, "shop");
  // With pipefail a code of its own would end this line
  assert.equal(
    await place.bash(`${word(place)} cat latest long 2> told | head -1; echo "\${PIPESTATUS[@]}"`),
    "id,v\r\n0 0\n",
  );
  assert.equal(await place.bash("cat told"), "");
  // What is lost for another reason is no success
  if (Deno.build.os === "linux") {
    for (const command of ["cat latest long", "restore latest --to sql:-"]) {
      const ended = await place.bash(`${word(place)} ${command} 2> lost > /dev/full || echo "$?"; cat lost`);
      assert.match(ended, /^1\nerror: Standard output can't be written/);
    }
  }
  await assertCleared(place);
});

testEach("vaultra cat refuses what it has no rows of, and leaves nothing", async (place) => {
  await prepare(place);
  const id = await backUp(place, "shop");
  const env = { TMPDIR: place.path("tmp") };
  const refusals: [code: number, args: string[], told: RegExp][] = [
    [2, ["latest", "order"], /no table called "order"\n.*Did you mean "orders"\?/],
    [2, ["latest", "big_orders"], /"big_orders" is a view: it has no rows of its own/],
    [2, ["latest", "docs"], /virtual table.*\n.*"docs_content"/],
    [2, ["latest", "orders", "--as", "xml"], /--as: "xml" is not allowed\n.*csv, json, raw/],
    [2, ["latest"], /Missing required argument "object"/],
    [18, ["20200101T000000Z-full-0000", "orders"], /no backup/i],
  ];
  for (const [code, args, told] of refusals) {
    const { stderr, stdout } = await place.fails(code, ["cat", ...args], { env });
    assert.match(stderr, told);
    assert.equal(stdout, "");
  }
  await place.bash(
    `printf '\\x55' | dd of=backups/shop/${id}.tar.zst bs=1 seek=30000 conv=notrunc status=none`,
  );
  assert.match((await place.fails(13, ["cat", id, "orders"], { env })).stderr, /damaged/i);
  await assertCleared(place);
  await place.fails(17, ["cat", id, "loose"], { env: { TMPDIR: place.path("nowhere") } });
});

testEach("vaultra cat tells of a full disk and where it is", async (place) => {
  await prepare(place);
  await backUp(place, "shop");
  const disk = place.path("tmp");
  const { stderr } = await place.with(...smallDisk(disk, "200k")).fails(17, ["cat", "latest", "orders"], {
    env: { TMPDIR: disk },
  });
  assert.match(stderr, /disk that holds ".*\/tmp\/vaultra-.* is full/);
  assert.equal(await place.bash("cat tmp.files"), "");
});

testEach("vaultra cat and diff open encrypted backups", async (place) => {
  await prepare(place);
  const recipients = await place.bash(`for name in one two three; do
    age-keygen -o $name.key 2> told; age-keygen -y $name.key; done`);
  const [one, two] = recipients.trim().split("\n");
  await place.ok("backup", "shop", "--recipient", one!);
  await place.bash(`sqlite3 shop.db "update loose set v = 'changed' where v = 'one'"`);
  await place.ok("backup", "shop", "--recipient", two!);
  const [first, second] = jsonLines(await place.ok("list", "--json", "--job", "shop"))[0].backups
    .map(({ id }: { id: string }) => id).sort();
  const key = (name: string) => ["--identity-file", `${name}.key`];
  assert.equal(
    await place.ok("cat", first, "loose", ...key("one")),
    "v\r\nminus five\r\none\r\nmillion\r\nlast\r\n",
  );
  await place.fails(14, ["cat", first, "loose", ...key("three")]);
  const both = await place.run(["diff", first, second, ...key("one"), ...key("two")]);
  assert.equal(both.code, 15, both.stderr);
  assert.match(both.stdout, /^~ +table +loose +content$/m);
  await place.fails(14, ["diff", first, second, ...key("one")]);
});

testEach("vaultra diff tells what differs between two backups", async (place) => {
  await prepare(place);
  const first = await backUp(place, "shop");
  const same = await backUp(place, "shop");
  const env = { TMPDIR: place.path("tmp") };
  assert.match(
    await place.ok("diff", first, same),
    /^✔ 18 tables, 4 virtual tables, 17 shadow tables, 1 view identical in /,
  );

  await place.bash(`sqlite3 shop.db "
    insert into loose values ('more'); update orders set note = 'other' where id = 7; drop view big_orders;
    create table added (a); create index on_added on added (a); alter table child rename column parent to father"`);
  const second = await backUp(place, "shop");
  const told = await place.run(["diff", first, second], { env });
  assert.equal(told.code, 15, told.stderr);
  const lines = told.stdout.trim().split("\n").slice(2).map((line) => line.split(/ {2,}/).join("|"));
  assert.deepEqual(lines.toSorted(), [
    "+|index|on_added|only in the second",
    "+|table|added|only in the second, 0 rows",
    "-|trigger|big_orders_insert|only in the first",
    "-|view|big_orders|only in the first",
    "~|table|child|definition",
    "~|table|loose|4 → 5 rows",
    // A trigger of "loose" writes here
    "~|table|numbered|content",
    "~|table|orders|content",
  ]);

  // The same, where the manifests only count rows or another job made the backup
  const counted = await backUp(place, "rows");
  const [result] = jsonLines((await place.run(["diff", first, counted, "--json"], { env })).stdout).slice(-1);
  assert.deepEqual(result.totals, {
    identical: 39,
    different: 4,
    "only-first": 2,
    "only-second": 2,
    unknown: 0,
  });
  assert.deepEqual([result.first, result.second].map(({ job, store }) => `${job} ${store}`), [
    "shop office",
    "rows office",
  ]);
  const child = result.objects.find(({ name }: { name: string }) => name === "child");
  assert.deepEqual(child.changes, ["definition"]);
  assert.match(child.definitions[1], /father/);

  // A choice
  assert.equal((await place.run(["diff", first, second, "--only", "child"], { env })).code, 15);
  await place.ok("diff", first, second, "--only", "affinity", "--only", "extremes");
  assert.match(
    (await place.fails(2, ["diff", first, second, "--only", "x"], { env })).stderr,
    /Neither backup has/,
  );
  await place.fails(18, ["diff", first, "20200101T000000Z-full-0000"], { env });
  await assertCleared(place);
});

testEach("vaultra diff finds equal tables in unlike files, stores and jobs", async (place) => {
  await prepare(place);
  const first = await backUp(place, "shop");
  // Other pages, in another order
  await place.bash(`cp shop.db other.db; sqlite3 other.db 'pragma page_size = 1024; vacuum'`);
  const other = await backUp(place, "other");
  const tables = ["--only", "orders", "--only", "numbered", "--only", "without_rowid", "--only", "extremes"];
  assert.match(await place.ok("diff", first, other, ...tables), /identical/);
  assert.match(
    await place.ok("diff", "latest", "latest", "--job", "shop", "--second-job", "other", ...tables),
    /identical/,
  );
  // Without a configuration
  await place.bash("mv vaultra.yaml unused.yaml");
  await place.ok(
    "diff",
    first,
    other,
    "--store",
    "./backups",
    "--second-store",
    "./attic",
    "--only",
    "orders",
  );
});

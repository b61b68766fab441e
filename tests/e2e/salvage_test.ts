import assert from "node:assert/strict";
import { jsonLines, testEach, type Workplace } from "./workplace.ts";

/** Four tables in 40 MB, the largest in the middle, and their archive. */
async function prepare(place: Workplace, ...options: string[]): Promise<string> {
  await place.bash(`sqlite3 shop.db "
    create table customers (id integer primary key, name text);
    create table orders (id integer primary key, customer int, note text);
    create index by_customer on orders (customer);
    create table pictures (id integer primary key, picture blob);
    create table settings (k text primary key, v) without rowid;
    insert into settings values ('a', 1), ('b', 2.5);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
      insert into customers select i, 'customer ' || i from n;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
      insert into orders select i, i % 3000, 'note ' || hex(randomblob(200)) from n;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 300)
      insert into pictures select i, randomblob(100000) from n;"`);
  await place.ok("backup", "--db", "sqlite:shop.db", "--to", "./backups", ...options);
  const [archive] = await place.archives();
  return `backups/${archive}`;
}

/** Changes one byte, so many bytes before the end. */
async function damage(place: Workplace, from: string, to: string, share: number): Promise<void> {
  const bytes = await Deno.readFile(place.path(from));
  bytes[Math.floor(bytes.length * share)]! ^= 1;
  await Deno.writeFile(place.path(to), bytes);
}

async function sameRows(place: Workplace, target: string, ...tables: string[]): Promise<void> {
  assert.equal(await place.bash(`sqlite3 '${target}' 'pragma integrity_check'`), "ok\n");
  const there = await place.bash(
    `sqlite3 '${target}' "select name from sqlite_schema where type = 'table' order by 1"`,
  );
  assert.deepEqual(there.trim().split("\n"), tables);
  for (const table of tables) {
    const query = `.mode quote\\nselect * from ${table} order by 1`;
    await place.bash(
      `cmp <(printf '${query};\\n' | sqlite3 shop.db) <(printf '${query};\\n' | sqlite3 '${target}')`,
    );
  }
}

testEach("vaultra salvage lists what is whole of a damaged archive, and restores it", async (place) => {
  const archive = await prepare(place);
  assert.match(await place.ok("salvage", archive), /✔ Nothing is missing: 3 of 3 parts are whole/);
  await place.ok("salvage", "latest", "--store", "./backups", "--to", "sqlite:all.db");
  await place.bash("cmp shop.db all.db");

  await damage(place, archive, "damaged.tar.zst", 0.92);
  const listed = await place.run(["salvage", "damaged.tar.zst"]);
  assert.equal(listed.code, 13, listed.stderr);
  assert.match(listed.stdout, /^main +2 of 3 .* part 2$/m);
  assert.match(listed.stdout, /✘ 2 of 3 parts are whole/);

  const done = await place.run(["salvage", "damaged.tar.zst", "--to", "sqlite:some.db", "--json"]);
  assert.equal(done.code, 3, done.stderr);
  const result = jsonLines(done.stdout).at(-1);
  assert.equal(result.type, "result");
  assert.deepEqual(result.report.objects[0].missing, [[2, 2]]);
  assert.match(done.stderr, /warning: The table "pictures" is lost: part 2 of the database is missing/);
  await sameRows(place, "some.db", "customers", "orders", "settings");

  // One table is whole, but not all of the archive is.
  const one = await place.run(["salvage", "damaged.tar.zst", "--only", "orders", "--to", "sqlite:one.db"]);
  assert.equal(one.code, 3, one.stderr);
  await sameRows(place, "one.db", "orders");
  await place.fails(13, ["salvage", "damaged.tar.zst", "--only", "pictures", "--to", "sqlite:none.db"]);
  await place.fails(17, ["salvage", "damaged.tar.zst", "--to", "sqlite:some.db"]);

  const script = await place.run(["salvage", "damaged.tar.zst", "--to", "sql:-"]);
  assert.equal(script.code, 3, script.stderr);
  await Deno.writeTextFile(place.path("script.sql"), script.stdout);
  await place.bash("sqlite3 loaded.db < script.sql");
  await sameRows(place, "loaded.db", "customers", "orders", "settings");
  assert.deepEqual((await place.files()).filter((file) => /^[^/]*vaultra-/.test(file)), []);
});

testEach("vaultra salvage reads a cut archive, from a file and from a pipe", async (place) => {
  const archive = await prepare(place, "--compression", "gzip:1");
  const bytes = await Deno.readFile(place.path(archive));
  const cut = bytes.slice(0, Math.floor(bytes.length * 0.9));
  await Deno.writeFile(place.path("cut.tar.gz"), cut);
  const piped = await place.run(["salvage", "-"], { stdin: cut });
  assert.equal(piped.code, 13, piped.stderr);
  assert.match(piped.stdout, /✘ 2 of at least \d parts are whole/);
  assert.match(piped.stdout, /Missing of the archive itself: manifest\.json/);
  const refused = await place.fails(2, ["salvage", "-", "--to", "sqlite:piped.db"], { stdin: cut });
  assert.match(refused.stderr, /Save the archive as a file/);

  const done = await place.run(["salvage", "cut.tar.gz", "--to", "sqlite:some.db"]);
  assert.equal(done.code, 3, done.stderr);
  await sameRows(place, "some.db", "customers", "orders", "settings");

  // All parts are there, and the manifest is not.
  await Deno.writeFile(place.path("end.tar.gz"), bytes.slice(0, bytes.length - 400));
  const whole = await place.run(["salvage", "end.tar.gz", "--to", "sqlite:whole.db"]);
  assert.equal(whole.code, 3, whole.stderr);
  await place.bash("cmp shop.db whole.db");

  await place.bash("head -c 5000 cut.tar.gz > little.tar.gz; head -c 100000 /dev/urandom > noise");
  await place.fails(13, ["salvage", "little.tar.gz", "--to", "sqlite:none.db"]);
  await place.fails(13, ["salvage", "noise"]);
  await place.fails(18, ["salvage", "none.tar.gz"]);
});

testEach("vaultra salvage opens encrypted archives with the keys that it is given", async (place) => {
  await place.bash("age-keygen -o key.txt 2> /dev/null; age-keygen -o other.txt 2> /dev/null");
  const recipient = (await place.bash("age-keygen -y key.txt")).trim();
  const archive = await prepare(place, "--recipient", recipient);
  assert.match(archive, /\.age$/);
  await damage(place, archive, "damaged.tar.zst.age", 0.92);
  const keys = ["--identity-file", "key.txt"];
  const listed = await place.run(["salvage", "damaged.tar.zst.age", ...keys]);
  assert.equal(listed.code, 13, listed.stderr);
  assert.match(listed.stdout, /64 KiB of the encryption are damaged/);
  const done = await place.run(["salvage", "damaged.tar.zst.age", ...keys, "--to", "sqlite:some.db"]);
  assert.equal(done.code, 3, done.stderr);
  await sameRows(place, "some.db", "customers", "orders", "settings");
  await place.fails(14, ["salvage", "damaged.tar.zst.age", "--identity-file", "other.txt"]);
  await place.fails(14, ["salvage", "damaged.tar.zst.age"]);
});

testEach("vaultra salvage takes of a signed backup only what its signature vouches for", async (place) => {
  await place.bash("umask 077; openssl genpkey -algorithm ed25519 -out key.pem");
  const configure = (signing: string) =>
    Deno.writeTextFile(
      place.path("vaultra.yaml"),
      `version: 1
${signing}
jobs: { shop: { database: "sqlite:./shop.db", store: "file:./backups" } }
`,
    );
  place.sample("shop.db");
  await configure(`signing: { key: "\${file:${place.path("key.pem")}}" }`);
  await place.ok("backup", "shop");
  const [archive] = await place.archives();
  await place.ok("salvage", "latest", "--to", "sqlite:all.db");
  await place.sameDump("shop.db", "all.db");

  const bytes = await Deno.readFile(place.path("backups", archive!));
  const piped = await place.fails(19, ["salvage", "-"], { stdin: bytes });
  assert.match(piped.stderr, /without its record/);
  const to = ["--to", "sqlite:some.db"];
  await Deno.writeFile(place.path("backups", archive!), bytes.slice(0, bytes.length - 400));
  for (const args of [["salvage", `backups/${archive}`], ["salvage", `backups/${archive}`, ...to]]) {
    const cut = await place.fails(19, args);
    assert.match(cut.stderr, /no signature vouches for what is left/);
    assert.match(cut.stderr, /a configuration without signing/);
  }
  await configure("");
  const known = await place.run(["salvage", `backups/${archive}`, ...to]);
  assert.equal(known.code, 3, known.stderr);
  await place.sameDump("shop.db", "some.db");
});

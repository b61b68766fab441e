import assert from "node:assert/strict";
import { watch } from "./terminal.ts";
import { testEach, type Workplace } from "./workplace.ts";

/** Answers a question that asks to type something. */
function typing(typed: string) {
  return { answers: [["Type ", typed] as const] };
}

async function prepare(place: Workplace): Promise<void> {
  await place.bash(`sqlite3 shop.db "create table blobs (id integer primary key, v blob);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 10000)
    insert into blobs select i, randomblob(4000) from n"`);
}

const line = /\r␛\[KBacking up {2}\d+ % {2}[\d.]+ [KM]iB of [\d.]+ MiB {2}[\d.]+ [KMG]iB\/s/;

testEach("vaultra shows progress with rate and time left on a terminal, and only there", async (place) => {
  await prepare(place);
  // At this level it takes long enough for the line to be drawn several times
  const backup = ["backup", "--db", "sqlite:shop.db", "--to", "./backups", "--compression", "gzip:9"];
  const seen = await watch(place, backup);
  assert.equal(seen.code, 0, seen.stdout);
  assert.match(seen.stdout, line);
  assert.match(seen.stdout, /MiB\/s {2}[\d.]+ m?s left/);
  assert.match(seen.stdout, /\r␛\[K␛\[32m✔␛\[39m .*shop/);
  for (const each of seen.stdout.split("\r␛[K")) assert.ok(each.split("\n")[0]!.length < 130, each);

  for (const [args, env] of [[["--no-color"], {}], [[], { NO_COLOR: "1" }]] as const) {
    const plain = await watch(place, ["verify", "latest", "--store", "./backups", ...args], { env });
    assert.match(plain.stdout, /\r␛\[KVerifying {2}/);
    assert.doesNotMatch(plain.stdout, /␛\[\d+m/);
  }
  for (const quiet of ["--quiet", "--json"]) {
    const { stdout } = await watch(place, ["verify", "latest", "--store", "./backups", quiet]);
    assert.doesNotMatch(stdout, /␛/, quiet);
  }
  const piped = await place.run(["verify", "latest", "--store", "./backups"]);
  assert.deepEqual([piped.stderr, piped.stdout.includes("\x1b")], ["", false]);
});

testEach("vaultra asks a person before it replaces a database", async (place) => {
  place.sample("shop.db");
  await place.ok("backup", "--db", "sqlite:shop.db", "--to", "./backups");
  await place.bash("sqlite3 old.db 'create table old (v)'; cp old.db target.db");
  const restore = [
    "restore",
    "latest",
    "--store",
    "./backups",
    "--to",
    "sqlite:target.db",
    "--if-exists",
    "replace",
  ];
  for (const typed of ["targte\r", "\x03"]) {
    const refused = await watch(place, restore, typing(typed));
    assert.equal(refused.code, 130, refused.stdout);
    assert.match(refused.stdout, /Nothing was restored/);
    await place.bash("cmp old.db target.db");
  }
  const done = await watch(place, restore, typing("target\r"));
  assert.equal(done.code, 0, done.stdout);
  assert.match(done.stdout, /Type its name, target, to go on/);
  await place.bash("cmp shop.db target.db");
});

testEach("vaultra asks a person before it deletes a backup", async (place) => {
  place.sample("shop.db");
  await place.ok("backup", "--db", "sqlite:shop.db", "--to", "./backups");
  const [archive] = await place.archives();
  const remove = ["delete", /\/(.*)\.tar/.exec(archive!)![1]!, "--store", "./backups"];
  const refused = await watch(place, remove, typing("yes\r"));
  assert.equal(refused.code, 130, refused.stdout);
  assert.match(refused.stdout, /no backup left in .*Type delete to delete 1 backup.*Nothing was deleted/s);
  assert.deepEqual(await place.archives(), [archive]);
  const done = await watch(place, remove, typing("delete\r"));
  assert.equal(done.code, 0, done.stdout);
  assert.deepEqual(await place.archives(), []);
});

testEach("vaultra asks on a terminal for passphrases, which are not shown", async (place) => {
  await place.bash(`sqlite3 shop.db "create table t (a); insert into t values (1)"`);
  const backup = ["backup", "--db", "sqlite:shop.db", "--to", "./backups", "--passphrase"];
  const twice = (again: string) => ({
    answers: [["Passphrase for the backup", "correct horse\r"], [
      "The same passphrase again",
      `${again}\r`,
    ]] as const,
  });
  const differ = await watch(place, backup, twice("correct house"));
  assert.equal(differ.code, 2, differ.stdout);
  assert.match(differ.stdout, /The two passphrases differ/);
  assert.deepEqual(await place.files("backups"), []);
  const done = await watch(place, backup, twice("correct horse"));
  assert.equal(done.code, 0, done.stdout);

  const restore = ["restore", "latest", "--store", "./backups", "--to", "sqlite:restored.db"];
  const wrong = await watch(place, restore, { answers: [["Passphrase of the backup", "wrong horse\r"]] });
  assert.equal(wrong.code, 14, wrong.stdout);
  const none = await watch(place, restore, { answers: [["Passphrase of the backup", "\x03"]] });
  assert.equal(none.code, 130, none.stdout);
  const restored = await watch(place, restore, {
    answers: [["Passphrase of the backup", "correct horse\r"]],
  });
  assert.equal(restored.code, 0, restored.stdout);
  await place.sameDump("shop.db", "restored.db");
  for (const { stdout } of [differ, done, wrong, none, restored]) assert.doesNotMatch(stdout, /horse/);
});

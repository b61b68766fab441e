import assert from "node:assert/strict";
import { jsonLines, testEach, type Workplace } from "./workplace.ts";

const config = `version: 1
stores:
  office: { url: "file:./backups" }
jobs:
  shop:
    database: { url: "sqlite:./shop.db" }
    label: nightly
  gzipped:
    database: "sqlite:./shop.db"
    store: office
    compression: gzip:4
  plain:
    database: "sqlite:./other db ü.db"
    compression: none
    proof: rows
`;

async function prepare(place: Workplace): Promise<void> {
  place.sample("shop.db");
  place.sample("other db ü.db", { rows: 20, journalMode: "wal", encoding: "UTF-16le" });
  await Deno.writeTextFile(place.path("vaultra.yaml"), config);
}

/** The id and the archive of a job's only backup. */
async function only(place: Workplace, job: string): Promise<{ id: string; archive: string }> {
  const [{ backups }] = jsonLines(await place.ok("list", "--job", job, "--json"));
  assert.equal(backups.length, 1);
  return { id: backups[0].id, archive: `backups/${job}/${backups[0].archive.name}` };
}

testEach("vaultra backs up the jobs of a configuration, lists, shows and verifies them", async (place) => {
  await prepare(place);
  const planned = await place.ok("backup", "--dry-run");
  assert.match(planned, /shop: sqlite .* would go to office/);
  assert.match(planned, /orders +table +300/);
  assert.deepEqual(await place.files("backups"), []);

  const said = await place.ok("backup");
  for (const job of ["shop", "gzipped", "plain"]) assert.match(said, new RegExp(`✔ ${job} backed up in `));
  const kinds = "18 tables, 4 virtual tables, 17 shadow tables, 1 view";
  assert.equal(said.match(new RegExp(`^ {2}holds {5}${kinds}, \\d+ rows, `, "gm"))?.length, 3, said);
  assert.equal((await place.archives()).length, 3);

  const listed = await place.ok("list", "backups");
  assert.equal(listed.trim().split("\n").length, 4);
  assert.match(listed, /^\S+-full-\S+ +shop .* office +nightly$/m);
  assert.match(await place.ok("list", "jobs"), /^plain +1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ +yes$/m);
  assert.equal((await place.ok("list", "runs")).match(/ ok /g)?.length, 3);

  const { id } = await only(place, "plain");
  const shown = await place.ok("show", id, "--objects");
  assert.match(shown, /encoding UTF-16le/);
  assert.match(shown, new RegExp(`^ {2}holds {7}${kinds}, \\d+ rows$`, "m"));
  assert.match(shown, /^odd "name" +table +2$/m);
  assert.match(await place.ok("show", "latest", "--job", "shop"), /label +nightly/);

  assert.match(
    await place.ok("verify", "latest", "--job", "gzipped"),
    /✔ gzipped \S+ in office: all \d+ parts are whole/,
  );
  assert.match(await place.ok("verify", id), /✔ plain/);
  assert.match(await place.ok("verify", id.slice(0, -2), "--job", "plain"), /✔ plain/);
  assert.equal((await place.ok("verify", "--all")).match(/✔/g)?.length, 3);

  assert.match(await place.ok("config", "check"), /✔ .*vaultra.yaml: 3 jobs, 1 store/);
  assert.match(await place.ok("config", "show"), /compression: gzip:4/);
  assert.equal(
    JSON.parse(await place.ok("config", "schema"))["$schema"],
    "https://json-schema.org/draft/2020-12/schema",
  );
  // Doctor warns of files that a newer SQLite wrote than it has: sqlite3 is older than any Deno's.
  await place.bash(`for file in *.db; do sqlite3 "$file" 'pragma user_version = 77'; done`);
  assert.match(await place.ok("doctor"), /✔ sqlite.integrity/);

  // The programs that a person without Vaultra has
  const [gzipped, plain] = [(await only(place, "gzipped")).archive, (await only(place, "plain")).archive];
  await place.bash(
    `zstd -qt backups/shop/*.tar.zst; gzip -t '${gzipped}'; tar -tzf '${gzipped}'; tar -tf '${plain}'`,
  );
});

testEach("vaultra restores whole databases from backups, archives and pipes", async (place) => {
  await prepare(place);
  await place.ok("backup", "shop", "plain");
  const { id, archive } = await only(place, "shop");

  assert.match(
    await place.ok("restore", id, "--to", "sqlite:planned.db", "--dry-run"),
    /would:\n {2}- Write/,
  );
  assert.deepEqual((await place.files()).filter((name) => name.startsWith("planned")), []);
  assert.match(await place.ok("restore", id, "--to", "sqlite:by id.db"), /identical to what was backed up/);
  await place.bash(`cmp shop.db 'by id.db'`);
  await place.ok("restore", "latest", "--job", "plain", "--to", "sqlite:plain.db");
  await place.sameDump("other db ü.db", "plain.db");

  // By its address, with its record beside it, without it, and under another name
  await place.ok("restore", "--from", archive, "--to", "sqlite:address.db");
  await place.ok("restore", "--from", `file:${place.path(archive)}`, "--to", "sqlite:url.db");
  await place.ok("restore", "--from", id, "--to", "sqlite:from id.db");
  await place.bash(`mkdir elsewhere; cp '${archive}' elsewhere/; cp '${archive}' 'any name.tar.zst'`);
  await place.ok(
    "restore",
    "--from",
    archive.replace("backups/shop", "elsewhere"),
    "--to",
    "sqlite:alone.db",
  );
  await place.ok("restore", "--from", "any name.tar.zst", "--to", "sqlite:any.db");
  const piped = await place.run(["restore", "--from", "-", "--to", "sqlite:piped.db"], {
    stdin: await Deno.readFile(place.path(archive)),
  });
  assert.equal(piped.code, 0, piped.stderr);
  for (const name of ["address", "url", "from id", "alone", "any", "piped"]) {
    await place.bash(`cmp shop.db '${name}.db'`);
  }
});

testEach("vaultra replaces a target only when told to", async (place) => {
  await prepare(place);
  await place.ok("backup", "shop");
  await place.bash("echo kept > target.db; touch -d 2020-01-01 target.db");
  const before = await place.bash("stat -c '%i %s %Y' target.db");
  const restore = ["restore", "latest", "--to", "sqlite:target.db"];
  assert.match((await place.fails(17, restore)).stderr, /already a file .*target.db/);
  assert.match((await place.fails(2, [...restore, "--if-exists", "replace"])).stderr, /--yes/);
  assert.equal((await place.run([...restore, "--dry-run"])).code, 17);
  assert.equal(await place.bash("stat -c '%i %s %Y' target.db"), before);
  await place.ok(...restore, "--if-exists", "replace", "--yes");
  await place.bash("cmp shop.db target.db");
});

testEach("vaultra restores single tables, schemas, rows and scripts", async (place) => {
  await prepare(place);
  await place.ok("backup", "shop");
  const restore = (...args: string[]) => place.ok("restore", "latest", "--job", "shop", ...args);

  await restore("--to", "sqlite:part.db", "--only", "orders");
  assert.equal(await place.bash("sqlite3 part.db .tables"), "orders\n");
  await restore("--to", "sqlite:part.db", "--only", "lo*", "--exclude", "nothing", "--if-exists", "append");
  const dumps = (database: string) => `sqlite3 ${database} '.dump orders' '.dump loose'`;
  await place.bash(`cmp <(${dumps("shop.db")}) <(${dumps("part.db")})`);

  await restore("--to", "sqlite:schema.db", "--schema-only");
  await place.bash(`cmp <(sqlite3 shop.db '.schema orders') <(sqlite3 schema.db '.schema orders')`);
  assert.equal(await place.bash("sqlite3 schema.db 'select count(*) from orders'"), "0\n");
  await restore("--to", "sqlite:schema.db", "--data-only", "--only", "orders", "--if-exists", "append");
  await place.bash(`cmp <(sqlite3 shop.db '.dump orders') <(sqlite3 schema.db '.dump orders')`);
  const other = "insert into affinity (rowid, i) values (100, 9)";
  await place.bash(`sqlite3 schema.db '${other}'`);
  await restore("--to", "sqlite:schema.db", "--data-only", "--only", "affinity", "--if-exists", "append");
  assert.equal(await place.bash("sqlite3 schema.db 'select count(*) from affinity'"), "3\n");

  const again = [
    "restore",
    "latest",
    "--to",
    "sqlite:schema.db",
    "--data-only",
    "--only",
    "affinity",
    "--if-exists",
  ];
  assert.match((await place.fails(17, [...again, "append"])).stderr, /does not fit beside/);
  assert.equal(await place.bash("sqlite3 schema.db 'select count(*) from affinity'"), "3\n");

  await restore("--to", "sql:script.sql");
  // But for the planner's statistics, and the order in which .dump tells virtual tables
  const rows = (database: string) =>
    `sqlite3 ${database} .dump | grep -v 'INTO sqlite_stat\\|^ANALYZE' | sort`;
  await place.bash(`sqlite3 script.db < script.sql; cmp <(${rows("shop.db")}) <(${rows("script.db")})`);
  await Deno.writeTextFile(place.path("out.sql"), await restore("--to", "sql:-", "--only", "orders"));
  await place.bash(
    `sqlite3 out.db < out.sql; cmp <(sqlite3 shop.db '.dump orders') <(sqlite3 out.db '.dump orders')`,
  );
  await place.fails(17, ["restore", "latest", "--to", "sql:script.sql"]);
  await restore("--to", "sql:script.sql", "--only", "orders", "--if-exists", "replace");
  await place.bash("cmp script.sql out.sql");

  // A pipe can't be read twice, so what was chosen is known only at its end
  const stdin = await Deno.readFile(place.path((await only(place, "shop")).archive));
  const piped = await place.run(["restore", "--from", "-", "--to", "sqlite:piped.db", "--only", "orders"], {
    stdin,
  });
  assert.equal(piped.code, 0, piped.stderr);
  await place.bash(`cmp <(sqlite3 part.db '.dump orders') <(sqlite3 piped.db '.dump orders')`);
  assert.equal(await place.bash("sqlite3 piped.db .tables"), "orders\n");
  assert.deepEqual((await place.files()).filter((name) => name.includes("vaultra-restore")), []);
});

testEach("RESTORE.md's own commands bring the database back without Vaultra", async (place) => {
  await prepare(place);
  await place.ok("backup");
  for (const job of ["shop", "gzipped", "plain"]) {
    const { archive } = await only(place, job);
    await place.bash(`mkdir by-hand-${job}; cp '${archive}' by-hand-${job}/`);
    const text = await place.bash(`cd by-hand-${job}; tar -xOf *.tar* --wildcards '*RESTORE.md'`);
    const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!).join("\n");
    await place.bash(`cd by-hand-${job}\n${commands}`);
    await place.bash(`cmp by-hand-${job}/restored.db '${job === "plain" ? "other db ü.db" : "shop.db"}'`);
  }
});

testEach("vaultra completes commands in four shells", async (place) => {
  for (const shell of ["bash", "zsh", "fish", "powershell"]) {
    const script = await place.ok("completions", shell);
    assert.match(script, /vaultra/);
    if (shell !== "bash") continue;
    await Deno.writeTextFile(place.path("script.bash"), script);
    await place.bash("bash -n script.bash");
  }
  assert.match(await place.ok("complete", "--", "ba"), /^backup\t/);
  assert.match(await place.ok("complete", "--", "restore", "--if-exists", ""), /^replace/m);
  assert.match(await place.ok("complete", "--", "list", "--js"), /^--json/);
});

testEach("vaultra finds backups where the jobs of its configuration keep them", async (place) => {
  place.sample("shop.db");
  const job = (name: string, store: string) =>
    `  ${name}: { database: "sqlite:shop.db", store: "${store}" }\n`;
  await Deno.writeTextFile(
    place.path("vaultra.yaml"),
    `version: 1\njobs:\n${job("one", "./b1")}${job("two", "./b2")}${job("three", "./b2")}`,
  );
  const told = await place.run(["backup", "--log-level", "info"]);
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stderr, /\[INF\].* one: Backing up\n[\s\S]* two: Backing up/);
  assert.equal((await place.ok("list")).trim().split("\n").length, 4);
  assert.equal((await place.ok("verify", "--all")).match(/✔/g)?.length, 3);
  await place.ok("restore", "latest", "--job", "three", "--to", "sqlite:new.db");
  await place.bash("cmp shop.db new.db");
});

testEach("vaultra takes the options of every command before and after its name", async (place) => {
  await prepare(place);
  await place.bash("mkdir config config/vaultra; mv vaultra.yaml config/vaultra/vaultra.yaml");
  await place.ok("backup", "shop", "-q");
  for (
    const args of [["--json", "list"], ["list", "--json"], [
      "list",
      "-c",
      "config/vaultra/vaultra.yaml",
      "--json",
    ]]
  ) {
    assert.equal(jsonLines(await place.ok(...args))[0].backups.length, 1);
  }
  assert.equal(await place.ok("--version"), "0.1.0\n");
  assert.equal(await place.ok("list", "-q"), "");
  for (const args of [["--help"], ["help"], ["backup", "--help"], ["help", "key", "rotate"]]) {
    assert.match(await place.ok(...args), /^Usage: vaultra/);
  }
});

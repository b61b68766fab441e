import assert from "node:assert/strict";
import { outcome } from "./run_vaultra.ts";
import { jsonLines, testEach, type Workplace } from "./workplace.ts";

const config = `version: 1
stores:
  office: "file:./office"
  vault: "file:./vault"
jobs:
  shop:
    database: "sqlite:./shop.db"
    store: office
`;

/** A configuration of two stores; a backup of the sample in one of them, whose id is returned. */
async function prepare(place: Workplace): Promise<string> {
  place.sample("shop.db");
  await Deno.writeTextFile(place.path("vaultra.yaml"), config);
  await place.ok("backup", "shop");
  return await latest(place, "office");
}

async function latest(place: Workplace, store: string): Promise<string> {
  const [{ backups }] = jsonLines(await place.ok("list", "--store", store, "--json"));
  return backups.at(-1).id;
}

testEach("vaultra delete keeps what is pinned, asks before it deletes, and leaves nothing", async (place) => {
  const id = await prepare(place);
  assert.doesNotMatch(await place.ok("list"), /PINNED|VERIFIED/);
  assert.match(await place.ok("pin", id.slice(0, -2), "--reason", "year end"), /pinned in office: year end/);
  assert.match(await place.ok("pin", "latest", "--reason", "other"), /already, since 20.*Z: year end/);
  assert.match(await place.ok("list"), /PINNED.*\n.* yes /);
  assert.match(await place.ok("show", id), /^ {2}pinned +since 20\S+ \S+Z: year end$/m);
  const [shown] = jsonLines(await place.ok("show", id, "--json"));
  assert.deepEqual([shown.marks[0].name, shown.marks[0].reason], ["pinned", "year end"]);

  // A newer one that was deleted on purpose is not missed.
  await place.ok("backup", "shop");
  await place.ok("delete", await latest(place, "office"), "--yes");
  const now = await place.run(["show", "latest"]);
  assert.deepEqual([now.code, now.stderr, now.stdout.includes(id)], [0, "", true]);

  const before = await place.files("office");
  assert.match((await place.fails(16, ["delete", id, "--yes"])).stderr, /pinned\n.*vaultra unpin/);
  assert.match((await place.fails(16, ["delete", id, "--dry-run"])).stderr, /pinned/);
  assert.deepEqual(await place.files("office"), before);
  assert.match(await place.ok("unpin", id), /is not pinned any more/);
  assert.match(await place.ok("unpin", id), /was not pinned/);

  const unpinned = await place.files("office");
  assert.match(
    await place.ok("delete", id, "--dry-run"),
    new RegExp(`- shop ${id} from office.*\\n.*no backup left`),
  );
  assert.match((await place.fails(2, ["delete", id])).stderr, /--yes/);
  assert.match((await place.fails(2, ["delete", "latest", "--yes"])).stderr, /latest/);
  assert.match(
    (await place.fails(2, ["delete", id.slice(0, 12), "--yes"])).stderr,
    new RegExp(`Did you mean ${id}`),
  );
  assert.match((await place.fails(2, ["delete", "../x/y", "--yes"])).stderr, /job/);
  assert.deepEqual(await place.files("office"), unpinned);
  const [deleted] = jsonLines(await place.ok("delete", `shop/${id}`, "--yes", "--json")).filter(({ type }) =>
    type === "result"
  );
  assert.deepEqual([deleted.command, deleted.store, deleted.id], ["delete", "office", id]);
  assert.deepEqual((await place.files("office")).filter((name) => name.includes(id)), []);
  assert.match((await place.fails(18, ["delete", id, "--yes"])).stderr, /vaultra list/);
  await place.fails(18, ["pin", id]);
});

testEach("vaultra delete removes what a delete that broke off left", async (place) => {
  const id = await prepare(place);
  await Deno.remove(place.path("office", "shop", `${id}.json`));
  assert.equal(await place.ok("list"), "No backups\n");
  assert.match(await place.ok("delete", `shop/${id}`, "--dry-run"), /not listed/);
  await place.ok("delete", id, "--job", "shop", "--yes");
  assert.deepEqual(await place.archives("office"), []);
});

testEach("vaultra copy brings a backup to another store, from which it restores", async (place) => {
  const id = await prepare(place);
  await place.ok("pin", id);
  assert.match(
    await place.ok("copy", "latest", "--to", "vault"),
    new RegExp(`✔ shop ${id} copied from office to vault`),
  );
  assert.match(await place.ok("copy", id, "--store", "office", "--to", "vault"), /is in vault already/);
  await place.bash(`cmp office/shop/${id}.json vault/shop/${id}.json`);
  assert.deepEqual((await place.files("vault/shop")).filter((name) => name.startsWith("marks/")), []);

  const ambiguous = await place.fails(2, ["delete", id, "--yes"]);
  assert.match(ambiguous.stderr, /office, vault\n.*--store/);
  assert.match((await place.fails(2, ["pin", id])).stderr, /office, vault\n.*--store/);
  await place.ok("unpin", id, "--store", "office");
  await place.ok("delete", id, "--store", "office", "--yes");
  assert.deepEqual(await place.archives("office"), []);
  await place.ok("restore", id, "--to", "sqlite:restored.db");
  await place.sameDump("shop.db", "restored.db");
});

testEach("vaultra copy takes no damaged archive, and overwrites nothing", async (place) => {
  const id = await prepare(place);
  const archive = `office/shop/${id}.tar.zst`;
  await place.bash(
    `cp ${archive} whole; printf X | dd of=${archive} bs=1 seek=1000 conv=notrunc status=none`,
  );
  assert.match((await place.fails(13, ["copy", id, "--to", "vault"])).stderr, /does not match the SHA-256/);
  assert.deepEqual((await place.files("vault")).filter((name) => name.startsWith("shop")), []);
  await place.bash(`cp whole ${archive}; mkdir -p vault/shop; echo other > vault/shop/${id}.tar.zst`);
  assert.match((await place.fails(11, ["copy", id, "--to", "vault"])).stderr, /vaultra delete shop/);
  assert.equal(await place.bash(`cat vault/shop/${id}.tar.zst`), "other\n");
  await place.ok("delete", `shop/${id}`, "--store", "vault", "--yes");
  await place.ok("copy", id, "--to", "vault");
  await place.ok("verify", id, "--store", "vault");
});

testEach("vaultra copy mends a copy, whichever store the configuration names first", async (place) => {
  const id = await prepare(place);
  await place.ok("copy", id, "--to", "vault");
  const archive = await place.bash(`sha256sum < office/shop/${id}.tar.zst`);
  for (const store of ["vault", "office"]) {
    await place.bash(`rm ${store}/shop/${id}.tar.zst`);
    assert.match(await place.ok("copy", id, "--to", store), new RegExp(` to ${store}: `));
    assert.equal(await place.bash(`sha256sum < ${store}/shop/${id}.tar.zst`), archive);
  }
});

testEach("vaultra verify checks every copy, and goes on after what it cannot find or read", async (place) => {
  const id = await prepare(place);
  await place.ok("verify", id, "--quick");
  assert.match(await place.ok("list"), /VERIFIED.*\n.* \d{4}-\d\d-\d\d \(quick\) /);
  await place.ok("copy", id, "--to", "vault");
  assert.match(
    await place.ok("verify", id),
    new RegExp(`✔ shop ${id} in office: .*\n✔ shop ${id} in vault: `),
  );
  assert.match(await place.ok("list"), /VERIFIED.*\n.* \d{4}-\d\d-\d\d \(full\) /);
  const [{ backups }] = jsonLines(await place.ok("list", "--json", "--store", "office"));
  assert.deepEqual(Object.keys(backups[0].verified).sort(), ["full", "quick"]);
  await place.ok("backup", "shop");
  const newer = await latest(place, "office");

  const verifies = async (code: number, args: string[], whole: string[], damaged: string[]) => {
    const { stdout, stderr } = await place.fails(code, ["verify", ...args]);
    const [found, told] = [stdout, stderr].map((text) => [...text.matchAll(/^(?:✔|error:) (.*?):/gm)]);
    assert.deepEqual([found, told].map((lines) => lines!.map(([, title]) => title)), [whole, damaged]);
  };
  const archive = place.path("vault", "shop", `${id}.tar.zst`);
  const sound = await Deno.readFile(archive);
  await Deno.writeFile(archive, sound.with(1000, sound[1000]! ^ 1));
  await verifies(13, [id, newer], [`shop ${id} in office`, `shop ${newer} in office`], [
    `shop ${id} in vault`,
  ]);
  await place.ok("verify", id, "--store", "office");
  const results = jsonLines((await place.fails(13, ["verify", id, "--json"])).stdout);
  const result = results.find(({ type }) => type === "result");
  assert.deepEqual([result.store, result.job, result.id, results.at(-1).type], [
    "office",
    "shop",
    id,
    "error",
  ]);
  await Deno.writeFile(archive, sound);

  await Deno.writeTextFile(place.path("office", "shop", `${id}.json`), "{}");
  const whole = [`shop ${id} in vault`, `shop ${newer} in office`];
  await verifies(13, [id, newer], whole, [`${id} in office`]);
  const unknown = await place.fails(18, ["verify", "20200101", newer]);
  assert.match(unknown.stderr, /There is no backup "20200101"/);
  assert.match(unknown.stdout, new RegExp(`✔ shop ${newer} in office: `));
});

testEach("vaultra copy says why it can't find out whose signatures are trusted", async (place) => {
  const id = await prepare(place);
  await Deno.writeTextFile(
    place.path("vaultra.yaml"),
    `${config}signing: { key: "\${file:${place.path("gone.pem")}}" }\n`,
  );
  assert.match((await place.fails(2, ["copy", id, "--to", "vault"])).stderr, /signing\.key.*gone\.pem/);
  assert.deepEqual((await place.files("vault")).filter((name) => name.startsWith("shop")), []);
});

testEach("vaultra unlock frees a job whose run was killed", async (place) => {
  await prepare(place);
  assert.match(await place.ok("unlock", "shop"), /Nobody holds the lock of job "shop" in office, vault/);
  await place.fails(2, ["unlock", "../shop"]);
  assert.match(
    (await place.fails(2, ["unlock", "shpo"])).stderr,
    /no job "shpo" in office, vault\n {2}Did you mean "shop"/,
  );
  await place.fails(11, ["unlock", "shop", "--store", "./nowhere"]);
  place.sample("large.db", { rows: 100_000 });
  const backup = ["backup", "--db", "sqlite:large.db", "--to", "office"];
  const killed = place.start(backup);
  await place.bash("for i in $(seq 2000); do ls office/.locks/large && exit; sleep 0.01; done; exit 1");
  killed.kill("SIGKILL");
  await outcome(killed);
  assert.match((await place.fails(12, backup)).stderr, /vaultra unlock large/);
  const planned = await place.ok("unlock", "large", "--dry-run");
  assert.match(
    planned,
    new RegExp(`locked by backup on \\S+ \\(process ${killed.pid}\\) since 20.*ago\n.*--yes`),
  );
  assert.match((await place.fails(2, ["unlock", "large"])).stderr, /gave a sign of life .* ago.*\n.*--yes/);
  assert.match(await place.ok("unlock", "large", "--yes"), /✔ The lock of job "large" in office was removed/);
  await place.ok(...backup);
  // A lock that is a quarter of an hour old is a dead holder's.
  await place.bash("echo x > office/.locks/large; touch -d '15 minutes ago' office/.locks/large");
  assert.match(await place.ok("unlock", "large"), /it is dead\n✔/);
});

testEach("vaultra copy cleans up wherever it is interrupted", async (place) => {
  await place.bash(`sqlite3 shop.db "create table blobs (v);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 6000)
    insert into blobs select randomblob(4000) from n"`);
  await Deno.writeTextFile(place.path("vaultra.yaml"), config);
  await place.ok("backup", "shop");
  let interrupted = 0;
  for (const seen of [".locks/shop", "shop", "shop/.*", "shop/*.tar*"]) {
    await place.bash("rm -rf vault");
    const copying = place.start(["copy", "latest", "--to", "vault"]);
    await place.bash(`for i in $(seq 2000); do ls -d vault/${seen} && exit; sleep 0.005; done; exit 1`);
    copying.kill("SIGINT");
    const done = await outcome(copying);
    if (done.code === 130) interrupted++;
    else assert.equal(done.code, 0, done.stderr);
    assert.doesNotMatch(done.stderr, /warning/);
    assert.deepEqual((await place.files("vault/.locks")).filter((name) => name.startsWith("shop")), []);
    const [{ backups }] = jsonLines(await place.ok("list", "--store", "vault", "--json"));
    assert.equal(backups.length, done.code === 0 ? 1 : 0);
    await place.ok("copy", "latest", "--store", "office", "--to", "vault");
    await place.ok("verify", "latest", "--store", "vault");
  }
  assert.ok(interrupted > 0);
});

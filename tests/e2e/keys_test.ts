import assert from "node:assert/strict";
import { jsonLines, testEach, testOnce, type Workplace } from "./workplace.ts";

/** Makes a key; its recipient. */
async function generate(place: Workplace, file: string): Promise<string> {
  await place.ok("key", "generate", file);
  return (await place.bash(`age-keygen -y ${file}`)).trim();
}

const backup = ["backup", "--db", "sqlite:shop.db", "--to", "./backups"];
const restore = (to: string, ...more: string[]) => {
  return ["restore", "latest", "--store", "./backups", "--to", `sqlite:${to}`, ...more];
};

/** Restores with these options, and compares the result with the source. */
async function restores(place: Workplace, to: string, options: string[], env = {}): Promise<void> {
  const done = await place.run(restore(to, ...options), { env });
  assert.equal(done.code, 0, done.stdout + done.stderr);
  await place.sameDump("shop.db", to);
}

testEach("vaultra key generate makes keys that age and openssl read, and overwrites none", async (place) => {
  const said = await place.ok("key", "generate", "backup.key");
  const recipient = (await place.bash("age-keygen -y backup.key")).trim();
  assert.ok(said.includes(`  backup: { recipient: ${recipient} }`), said);
  assert.match(said, /Keep backup\.key offline, twice/);
  assert.doesNotMatch(said, /AGE-SECRET-KEY/);
  assert.equal(await place.bash("stat -c %a backup.key"), "600\n");
  const before = await place.bash("sha256sum backup.key");
  const { stderr } = await place.fails(17, ["key", "generate", "backup.key"]);
  assert.match(stderr, /There is a file "backup\.key" already/);
  assert.equal(await place.bash("sha256sum backup.key"), before);

  const signing = jsonLines(await place.ok("--json", "key", "generate", "--signing"));
  assert.equal(signing[0].file, "vaultra-signing.pem");
  const der = await place.bash(
    "openssl pkey -in vaultra-signing.pem -pubout -outform DER | tail -c 32 | base64",
  );
  assert.equal(signing[0].publicKey, `ed25519:${der.trim()}`);
  assert.equal(await place.bash("stat -c %a vaultra-signing.pem"), "600\n");

  const piped = await place.run(["key", "generate", "-"]);
  assert.match(piped.stdout, /^# created: \S+\n# public key: age1\w+\nAGE-SECRET-KEY-1\w+\n$/);
  assert.match(piped.stderr, /^Recipient: age1/);
});

testEach("vaultra restore opens with each recipient's identity, and with no other", async (place) => {
  place.sample("shop.db");
  const one = await generate(place, "one.key");
  const two = await generate(place, "two.key");
  await generate(place, "stranger.key");
  await place.ok(...backup, "--recipient", one, "--recipient", two);
  const [archive] = await place.archives();
  assert.match(archive!, /\.tar\.zst\.age$/);
  await place.bash(`age -d -i two.key backups/${archive} | zstd -dc | tar -t >/dev/null 2>&1`);

  await restores(place, "one.db", ["--identity-file", "one.key"]);
  await restores(place, "two.db", ["--identity-file", "stranger.key", "--identity-file", "two.key"]);
  await restores(place, "three.db", [], { VAULTRA_IDENTITY_FILE: place.path("two.key") });
  assert.match((await place.fails(14, restore("x.db"))).stderr, /an identity that opens it was not given/);
  const wrong = await place.fails(14, restore("x.db", "--identity-file", "stranger.key"));
  assert.match(wrong.stderr, /None of the identities that were given opens the archive/);
  // Who names a key learns whether that one opens the backup.
  await place.fails(14, restore("x.db", "--identity-file", "stranger.key"), {
    env: { VAULTRA_IDENTITY_FILE: place.path("one.key") },
  });
  assert.deepEqual(await place.files("x.db"), []);

  assert.match(
    await place.ok("show", "latest", "--store", "./backups", "--objects", "--identity-file", "one.key"),
    /OBJECT/,
  );
  await place.fails(14, ["show", "latest", "--store", "./backups", "--objects"]);
  await place.fails(14, ["show", "latest", "--store", "./backups", "--identity-file", "stranger.key"]);
  const fingerprint = (await place.bash(`printf %s ${one} | sha256sum`)).slice(0, 16);
  const shown = await place.ok("show", "latest", "--store", "./backups");
  assert.match(shown, new RegExp(`encrypted {3}to ${fingerprint}, to [0-9a-f]{16}\n`));
  assert.match(shown, /--identity-file or --passphrase-file shows what is inside/);
});

testEach("vaultra backup and restore take keys by name from the configuration", async (place) => {
  place.sample("shop.db");
  const recipient = await generate(place, "backup.key");
  const offline = await generate(place, "offline.key");
  await place.ok("key", "generate", "--signing", "signing.pem");
  await Deno.writeTextFile(
    place.path("vaultra.yaml"),
    `version: 1
stores: { main: ./backups }
keys:
  backup: { recipient: ${recipient}, identity: "\${file:${place.path("backup.key")}}" }
  offline: { recipient: ${offline}, identity: "\${file:${place.path("gone.key")}}" }
signing: { key: "\${file:${place.path("signing.pem")}}" }
jobs:
  shop: { database: sqlite:shop.db, encryption: { to: [backup, offline] } }
  open: { database: sqlite:shop.db }
`,
  );
  await place.ok("backup", "shop");
  await place.ok("restore", "latest", "--to", "sqlite:named.db");
  await place.sameDump("shop.db", "named.db");
  await place.ok("restore", "latest", "--to", "sqlite:offline.db", "--identity-file", "offline.key");
  const shown = await place.ok("config", "show");
  assert.ok(
    shown.includes(recipient) && /signing:\n {2}key: \$\{file:\S+signing\.pem\}\n/.test(shown),
    shown,
  );
  assert.doesNotMatch(shown, /AGE-SECRET-KEY|PRIVATE KEY/);

  // Without the key whose signatures are trusted nothing is opened; to list needs none.
  await place.bash("mv signing.pem away.pem");
  await place.ok("list", "backups");
  const untrusted = await place.fails(2, ["restore", "latest", "--to", "sqlite:x.db"]);
  assert.match(untrusted.stderr, /signing\.key: there is no file/);
  await place.bash("mv away.pem signing.pem");

  await place.ok("backup", "open", "--recipient", "offline");
  const lost = await place.fails(14, ["restore", "latest", "--job", "open", "--to", "sqlite:x.db"]);
  assert.match(lost.stderr, /vaultra\.yaml:5:\d+: keys\.offline\.identity: there is no file/);
  const slip = await place.fails(2, ["backup", "open", "--recipient", "ofline"]);
  assert.match(slip.stderr, /--recipient: there is no key "ofline"\. Did you mean "offline"\?/);
});

testOnce("vaultra backup encrypts with the passphrase of a file, which ps does not show", async (place) => {
  place.sample("shop.db", { rows: 20_000 });
  await Deno.writeTextFile(place.path("phrase"), "correct horse battery\n", { mode: 0o600 });
  await Deno.writeTextFile(place.path("wrong"), "wrong horse\n", { mode: 0o600 });
  const child = place.start([...backup, "--passphrase-file", "phrase"]);
  let commandLine = "";
  // It is empty for a moment while the program is being loaded.
  for (let tries = 0; commandLine === "" && tries < 1000; tries++) {
    commandLine = await Deno.readTextFile(`/proc/${child.pid}/cmdline`);
  }
  const { code } = await child.output();
  assert.equal(code, 0);
  assert.ok(commandLine.includes("--passphrase-file") && !commandLine.includes("horse"), commandLine);

  await restores(place, "a.db", ["--passphrase-file", "phrase"]);
  await restores(place, "b.db", [], { VAULTRA_PASSPHRASE_FILE: place.path("phrase") });
  assert.match((await place.fails(14, restore("x.db"))).stderr, /a passphrase that opens it was not given/);
  const wrong = await place.fails(14, restore("x.db", "--passphrase-file", "wrong"));
  assert.match(wrong.stderr, /The passphrase does not open the archive/);
  assert.match(
    (await place.fails(2, restore("x.db", "--passphrase-file", "nowhere"))).stderr,
    /there is no file "nowhere"/,
  );
  await place.fails(2, [...backup, "--passphrase-file", "phrase", "--recipient", "age1x"]);
  await place.fails(2, [...backup, "--passphrase"]);

  await place.bash("chmod 644 phrase");
  const open = await place.run(["show", "latest", "--store", "./backups", "--passphrase-file", "phrase"]);
  assert.equal(open.code, 0);
  assert.match(open.stderr, /Others than its owner may read the passphrase file "phrase"/);
});

testEach(
  "vaultra key rotate lets another key open a backup, for age too, and moves no data",
  async (place) => {
    place.sample("shop.db");
    const old = await generate(place, "old.key");
    const next = await generate(place, "next.key");
    await generate(place, "stranger.key");
    await place.ok(...backup, "--recipient", old);
    const store = ["--store", "./backups"];
    const rotate = (...more: string[]) => ["key", "rotate", ...more, ...store, "--to", next];
    const files = await place.files("backups");

    await place.fails(14, rotate("latest"));
    await place.fails(14, rotate("latest", "--identity-file", "stranger.key"));
    await place.ok(...rotate("latest", "--identity-file", "old.key", "--dry-run"));
    await place.fails(2, rotate("--identity-file", "old.key"));
    const nothingNew = (await place.files("backups")).filter((line) => !line.startsWith(".vaultra"));
    assert.deepEqual(nothingNew, files.filter((line) => !line.startsWith(".vaultra")));

    const said = await place.ok(...rotate("latest", "--identity-file", "old.key"));
    assert.match(said, /no data moved/);
    assert.match(said, /their own headers still open with the keys they were made for/);
    assert.doesNotMatch(said, /lose access/);
    const added = (await place.files("backups")).filter((line) => !files.includes(line));
    assert.equal(added.length, 1, added.join());
    assert.match(added[0]!, /^shop\/keys\/\S+\.age \d{3}$/);

    await restores(place, "next.db", ["--identity-file", "next.key"]);
    await restores(place, "old.db", ["--identity-file", "old.key"]);
    await place.fails(14, restore("x.db", "--identity-file", "stranger.key"));

    // What it said works with age alone, to the letter.
    const line = /without Vaultra: (.*)$/m.exec(said)![1]!.replace("KEY", "../next.key");
    await place.bash(
      `cd backups && ${line} > ../opened && age -d -i ../old.key shop/*.tar.zst.age | cmp - ../opened`,
    );

    // What was rotated before is rotated again, and the header before goes.
    const third = await generate(place, "third.key");
    const again = ["key", "rotate", "--all", ...store, "--to", third, "--identity-file", "next.key"];
    assert.match(
      await place.ok(...again, "--dry-run"),
      /others for whom it was rotated before would lose it/,
    );
    assert.match(
      await place.ok(...again),
      /1 key header of earlier rotations removed: their recipients lose access/,
    );
    await restores(place, "third.db", ["--identity-file", "third.key"]);
    const lost = await place.fails(14, restore("x.db", "--identity-file", "next.key"));
    assert.match(lost.stderr, /It is encrypted to [0-9a-f]{16}\. It was rotated since/);
  },
);

testEach("vaultra key rotate gives nobody the key of what lies in the archive's place", async (place) => {
  place.sample("shop.db");
  const admin = await generate(place, "admin.key");
  const next = await generate(place, "next.key");
  await place.ok(...backup, "--recipient", admin);
  const [archive] = await place.archives();
  await place.bash(`echo secret | age -r ${admin} -o backups/${archive}`);
  const rotate = ["key", "rotate", "latest", "--store", "./backups", "--to", next];
  const before = await place.files("backups/shop");
  for (const more of [[], ["--dry-run"]]) {
    await place.fails(13, [...rotate, "--identity-file", "admin.key", ...more]);
  }
  assert.deepEqual(await place.files("backups/shop"), before);
});

testOnce("vaultra key rotate lets an identity open what a passphrase was made for", async (place) => {
  place.sample("shop.db");
  const next = await generate(place, "next.key");
  await Deno.writeTextFile(place.path("phrase"), "correct horse battery\n", { mode: 0o600 });
  await place.ok(...backup, "--passphrase-file", "phrase");
  await place.ok(
    ...["key", "rotate", "latest", "--store", "./backups", "--to", next, "--passphrase-file", "phrase"],
  );
  await restores(place, "next.db", ["--identity-file", "next.key"]);
  await restores(place, "phrase.db", ["--passphrase-file", "phrase"]);
  // A key header that is of no use hides no other.
  const headers = (await place.files("backups/shop/keys")).map((line) => line.split(" ")[0]!);
  const planted = headers[0]!.replace(/\.\d{8}T/, ".20991231T");
  await place.bash(`cd backups/shop/keys; { cat ${headers[0]} | head -c -6; echo AAAAA; } > ${planted}`);
  const warned = await place.run(restore("warned.db", "--identity-file", "next.key"));
  assert.equal(warned.code, 3, warned.stderr);
  assert.match(warned.stderr, /20991231T\d+Z\.age" was passed over: it is damaged/);
  await place.sameDump("shop.db", "warned.db");
});

testEach("vaultra key rotate tells what it passes over, and its exit code does", async (place) => {
  place.sample("shop.db");
  const one = await generate(place, "one.key");
  const two = await generate(place, "two.key");
  const rotate = [
    "key",
    "rotate",
    "--all",
    "--store",
    "./backups",
    "--to",
    two,
    "--identity-file",
    "one.key",
  ];
  await place.fails(11, rotate);
  await place.bash("mkdir backups");
  await place.fails(18, rotate);
  await place.ok(...backup);
  await place.ok(...backup, "--recipient", one);
  const plain = await place.run(rotate);
  assert.equal(plain.code, 3, plain.stderr);
  assert.match(plain.stderr, /warning: shop \S+ is not encrypted/);
  assert.match(plain.stdout, /1 backup rotated/);

  await place.ok(...backup, "--recipient", two);
  const foreign = await place.run(rotate);
  assert.equal(foreign.code, 14, foreign.stderr);
  assert.match(foreign.stdout, /1 backup rotated/);
});

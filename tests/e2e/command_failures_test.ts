import assert from "node:assert/strict";
import { outcome } from "./run_vaultra.ts";
import { humble, inPairs, smallDisk, testEach, type Workplace } from "./workplace.ts";

const config = (recipient: string) =>
  `version: 1
stores:
  office: { url: "file:./backups" }
jobs:
  shop: { database: "sqlite:./shop.db" }
  sealed: { database: "sqlite:./shop.db", encryption: { to: [${recipient}] } }
`;

/** All files that a command that fails must leave as they were: a run's document and a store's lock file are its right. */
async function kept(place: Workplace): Promise<string[]> {
  return (await place.files()).filter((name) => !/^state\/|\.vaultra-lock|\/runs\/|\/marks\//.test(name));
}

/** Commands that read a backup, with what stands for it in `BACKUP`, and what they need besides. */
const readers: readonly (readonly [command: string, opensIt: boolean])[] = [
  ["verify BACKUP", true],
  ["restore BACKUP --to sqlite:x.db", true],
  ["show BACKUP --objects", true],
  ["cat BACKUP orders", true],
  ["diff BACKUP BACKUP", true],
  ["salvage BACKUP --to sqlite:x.db", true],
  ["copy BACKUP --to ./copies", true],
  ["pin BACKUP", false],
  ["unpin BACKUP", false],
  ["delete BACKUP --yes", false],
  ["key rotate BACKUP --to OWN", false],
];

/** A store with a backup of `shop`, an encrypted one of `sealed`, damaged copies of both, and keys. */
async function prepareStores(place: Workplace): Promise<{ own: string; id: (job: string) => string }> {
  place.sample("shop.db", { rows: 100 });
  await place.bash(
    "umask 077; age-keygen -o own.key 2> /dev/null; age-keygen -o other.key 2> /dev/null; echo file > a-file",
  );
  const own = (await place.bash("age-keygen -y own.key")).trim();
  await Deno.writeTextFile(place.path("vaultra.yaml"), config(own));
  await place.ok("backup");
  await place.bash(`cp -r backups damaged; for f in damaged/*/*.tar*; do
    printf x | dd of="$f" bs=1 seek=$(($(stat -c %s "$f") / 2)) conv=notrunc status=none; done`);
  const names = await place.archives();
  const id = (job: string) => names.find((name) => name.startsWith(`${job}/`))!.split("/")[1]!.split(".")[0]!;
  return { own, id };
}

testEach(
  "vaultra tells each command that reads backups what is wrong with them, and changes nothing",
  async (place) => {
    const { own, id } = await prepareStores(place);
    await place.bash("cp -r backups denied; chmod 000 denied");
    const before = await kept(place);
    await inPairs(readers, async ([command, opensIt]) => {
      const line = (job: string, options: string) =>
        `${command.replaceAll("BACKUP", id(job)).replace("OWN", own)} --job ${job} ${options}`.trim().split(
          " ",
        );
      const absent = command.replaceAll("BACKUP", "20200101T000000Z-full-0000").replace("OWN", own).split(
        " ",
      );
      assert.match((await place.fails(18, absent)).stderr, /There is no backup/);
      await place.fails(18, line("shop", "").map((word) => word === "shop" ? "nope" : word));
      const nowhere = await place.fails(11, line("shop", "--store ./nowhere"));
      assert.match(nowhere.stderr, /Folder ".*\/nowhere" does not exist yet\n {2}Check the address/);
      assert.match(
        (await place.fails(11, line("shop", "--store ./a-file"))).stderr,
        /a-file": a file stands where a folder is needed/,
      );
      const denied = await place.with(...humble).fails(11, line("shop", "--store ./denied"));
      assert.match(denied.stderr, /permission is denied/);
      if (opensIt) {
        const { code, stdout, stderr } = await place.run(line("shop", "--store ./damaged"));
        assert.equal(code, 13, `vaultra ${command}\n${stdout}${stderr}`);
      }
      // What copies stored bytes needs no key
      if (!opensIt && !command.startsWith("key") || command.startsWith("copy")) return;
      await place.fails(14, line("sealed", ""));
      await place.fails(14, line("sealed", "--identity-file other.key"));
    });
    assert.deepEqual(await kept(place), before);
  },
);

testEach("vaultra writes over nothing that is there", async (place) => {
  const { id } = await prepareStores(place);
  await place.bash("cp shop.db target.db; echo script > target.sql");
  const before = await kept(place);
  const taken: [args: string, sentence: RegExp][] = [
    [`restore ${id("shop")} --to sqlite:target.db`, /There is already a file ".*target.db"\n.*--if-exists/],
    [`restore ${id("shop")} --to sql:target.sql`, /target.sql"/],
    [`salvage ${id("shop")} --to sqlite:target.db`, /There is already a file ".*target.db"\n.*--if-exists/],
    [`salvage ${id("shop")} --to sqlite:nowhere/x.db`, /There is no folder/],
    ["key generate own.key", /There is a file "own.key" already/],
    ["key generate --signing own.key", /There is a file "own.key" already/],
    ["key generate nowhere/new.key", /folder exists/],
  ];
  for (const [args, sentence] of taken) {
    assert.match((await place.fails(17, args.split(" "))).stderr, sentence);
  }
  const again = await place.run(["copy", id("shop"), "--job", "shop", "--to", "office"]);
  assert.deepEqual([again.code, /is in office already/.test(again.stdout)], [0, true], again.stderr);
  assert.deepEqual(await kept(place), before);
});

testEach(
  "vaultra tells each command that writes of a full disk, and leaves nothing half-written",
  async (place) => {
    const { id } = await prepareStores(place);
    await place.bash("mkdir disk");
    const full: [code: number, args: string, left: RegExp][] = [
      [11, `copy ${id("shop")} --job shop --to ./disk`, /^(\.vaultra-lock)?$/],
      [17, `salvage ${id("shop")} --job shop --to sqlite:disk/x.db`, /^$/],
    ];
    for (const [code, args, left] of full) {
      await place.with(...smallDisk(place.path("disk"), "64k")).fails(code, args.split(" "));
      assert.match((await place.bash("cat disk.files")).trim(), left, args);
    }
    for (
      const args of [
        `cat ${id("shop")} orders --job shop`,
        `diff ${id("shop")} ${id("sealed")} --json --identity-file own.key --second-job sealed --job shop`,
      ]
    ) {
      const { command, args: words } = place.vaultra;
      const { code } = await new Deno.Command("bash", {
        args: ["-c", '"$@" > /dev/full', "bash", command, ...words, ...args.split(" ")],
        cwd: place.folder,
        env: place.environment,
        stdin: "null",
        stderr: "null",
      }).output();
      assert.equal(code, 1, args);
    }
  },
);

testEach("vaultra leaves no half of a copy, a key or a result when it is interrupted", async (place) => {
  const { own, id } = await prepareStores(place);
  await place.bash(
    `sqlite3 big.db "create table b (v blob); with recursive n (i) as (select 1 union all select i + 1
    from n where i < 6000) insert into b select randomblob(4000) from n"`,
  );
  await place.ok("backup", "--db", "sqlite:big.db", "--to", "office", "--recipient", own);
  const before = await kept(place);
  for (
    const command of [
      "copy latest --job big --to ./copies",
      "salvage latest --job big --to sqlite:salvaged.db --identity-file own.key",
      "verify latest --job big --identity-file own.key",
      "cat latest b --job big --identity-file own.key",
      "diff latest latest --job big --identity-file own.key",
    ]
  ) {
    for (const delay of [350, 600]) {
      const child = place.start(command.split(" "));
      const timer = setTimeout(() => child.kill("SIGINT"), delay);
      const done = await outcome(child);
      clearTimeout(timer);
      assert.ok([0, 130].includes(done.code), `vaultra ${command}: ${done.code}\n${done.stderr}`);
      if (done.code === 130) assert.match(done.stderr, /^(error: Interrupted\n {2}\S.*\n)?$/, command);
      else await place.bash("rm -rf copies salvaged.db");
      assert.deepEqual(await kept(place), before, command);
    }
  }
  await place.ok("verify", id("shop"), "--job", "shop");
});

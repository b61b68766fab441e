import assert from "node:assert/strict";
import { testEach } from "./workplace.ts";

testEach(
  "vaultra restores encrypted backups by their name, their address and from a pipe, and age opens them",
  async (place) => {
    await place.bash(`age-keygen -o key 2>&1; age-keygen -o other.key 2>&1; chmod 600 key other.key
    sqlite3 shop.db "create table blobs (id integer primary key, v blob);
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 2500)
      insert into blobs select i, randomblob(4000) from n"`);
    const recipients = (await place.bash("age-keygen -y key; age-keygen -y other.key")).trim().split("\n");
    const to = recipients.flatMap((recipient) => ["--recipient", recipient]);
    const archives: string[] = [];
    for (const compression of ["zstd", "gzip", "none"]) {
      await place.ok(
        "backup",
        "--db",
        "sqlite:shop.db",
        "--to",
        `./${compression}`,
        ...to,
        "--compression",
        compression,
      );
      archives.push(`${compression}/${(await place.archives(compression))[0]}`);
    }
    for (const archive of archives) {
      assert.match(archive, /\.tar(\.zst|\.gz)?\.age$/);
      const [compression] = archive.split("/") as [string];
      await place.ok("verify", "latest", "--store", `./${compression}`, "--identity-file", "other.key");
      const restores = {
        name: ["latest", "--store", `./${compression}`, "--identity-file", "key"],
        address: ["--from", archive, "--identity-file", "other.key"],
      };
      for (const [way, args] of Object.entries(restores)) {
        await place.ok("restore", ...args, "--to", `sqlite:${compression}-${way}.db`);
      }
      const stdin = await Deno.readFile(place.path(archive));
      const pipe = [
        "restore",
        "--from",
        "-",
        "--identity-file",
        "key",
        "--to",
        `sqlite:${compression}-pipe.db`,
      ];
      const piped = await place.run(pipe, { stdin });
      assert.equal(piped.code, 0, piped.stderr);
      await place.bash(`age -d -i key ${archive} > plain`);
      const plain = await Deno.readFile(place.path("plain"));
      const decrypted = ["restore", "--from", "-", "--to", `sqlite:${compression}-plain.db`];
      assert.equal((await place.run(decrypted, { stdin: plain })).code, 0);
      for (const way of ["name", "address", "pipe", "plain"]) {
        await place.bash(`cmp shop.db ${compression}-${way}.db`);
      }
    }
  },
);

testEach("vaultra tells a missing key, a wrong one, a cut archive and a flipped bit apart", async (place) => {
  place.sample("shop.db");
  await place.bash(
    "age-keygen -o key 2>&1; age-keygen -o wrong.key 2>&1; chmod 600 key wrong.key; printf 'wrong' > wrong; chmod 600 wrong",
  );
  const [recipient] = (await place.bash("age-keygen -y key")).split("\n") as [string];
  await place.ok("backup", "--db", "sqlite:shop.db", "--to", "./backups", "--recipient", recipient);
  const [archive] = await place.archives() as [string];
  const told = async (code: number, args: string[], words: RegExp) => {
    for (const from of ["latest", "address"]) {
      const origin = from === "latest"
        ? ["latest", "--store", "./backups"]
        : ["--from", `backups/${archive}`];
      const { stderr } = await place.fails(code, ["restore", ...origin, ...args, "--to", "sqlite:x.db"]);
      assert.match(stderr, words);
    }
    await place.fails(code, ["verify", "latest", "--store", "./backups", ...args]);
    assert.deepEqual(await place.bash("ls x.db* 2> /dev/null || true"), "");
  };
  await told(14, [], /--identity-file/);
  await told(14, ["--passphrase-file", "wrong"], /identity/);
  await told(14, ["--identity-file", "wrong.key"], /None of the identities/);
  const key = ["--identity-file", "key"];
  await place.bash(`cp backups/${archive} kept; truncate -s -1 backups/${archive}`);
  await told(13, key, /holds \d+ bytes, its record says|cut short/);
  const flip =
    `import sys; f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(-1, 1); f.write(bytes([b ^ 1]))`;
  for (const [place_, words] of [[30, /header/], [150, /header/], [3000, /changed/]] as const) {
    await place.bash(`cp kept backups/${archive}; python3 -c '${flip}' backups/${archive} ${place_}`);
    await told(13, key, words);
  }
});

import assert from "node:assert/strict";
import { outcome } from "./run_vaultra.ts";
import { testEach } from "./workplace.ts";

/** Moves money between accounts and logs each move in the same transaction, until its standard input ends. */
const writer = `
import sqlite3, sys, threading, random
db = sqlite3.connect("bank.db", isolation_level=None, timeout=30)
db.execute("pragma journal_mode = " + sys.argv[1])
db.execute("pragma synchronous = off")
db.execute("create table account (id integer primary key, amount int, pad blob)")
db.execute("create table move (id integer primary key autoincrement, amount int)")
db.execute("begin")
db.executemany("insert into account values (?, 1000, randomblob(3000))", [(i,) for i in range(2000)])
db.execute("commit")
print("ready", flush=True)
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
count = 0
while not ended.is_set():
    a, b = random.sample(range(2000), 2)
    db.execute("begin immediate")
    db.execute("update account set amount = amount - 7, pad = randomblob(3000) where id = ?", (a,))
    db.execute("update account set amount = amount + 7 where id = ?", (b,))
    db.execute("insert into move (amount) values (7)")
    db.execute("commit")
    count += 1
    if count % 50 == 0: ended.wait(0.005)
print(count)
`;

testEach("vaultra backs up a database that is written to, and restores one moment of it", async (place) => {
  for (const mode of ["wal", "delete"]) {
    await place.bash("rm -f bank.db*");
    const python = new Deno.Command("python3", {
      args: ["-c", writer, mode],
      cwd: place.folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const ended = outcome(python);
    await place.bash(
      "for i in $(seq 1000); do [ \"$(sqlite3 bank.db 'select count(*) from move' 2>&1)\" -gt 3 ] 2>/dev/null && exit; sleep 0.02; done; exit 1",
    );
    for (let round = 0; round < 2; round++) {
      await place.ok("backup", "--db", "sqlite:bank.db", "--to", `./${mode}`);
    }
    await python.stdin.close();
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 0, stderr);
    const moves = Number(stdout.trim().split("\n").at(-1));
    await place.ok("verify", "--all", "--store", `./${mode}`);
    let last = 0;
    const ids = (await place.archives(mode)).map((name) => name.split("/")[1]!.split(".")[0]!).sort();
    assert.equal(ids.length, 2);
    for (const id of ids) {
      await place.ok("restore", id, "--store", `./${mode}`, "--to", `sqlite:${id}.db`);
      const sql =
        "select sum(amount), (select count(*) from move), (select seq from sqlite_sequence) from account";
      const [sum, count, sequence] = (await place.bash(`sqlite3 ${id}.db '${sql}'`)).trim().split("|").map(
        Number,
      );
      assert.deepEqual([sum, count], [2_000_000, sequence]);
      assert.ok(last < count! && count! <= moves, `${last} < ${count} <= ${moves}`);
      last = count!;
    }
  }
});

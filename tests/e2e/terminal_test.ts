import assert from "node:assert/strict";
import { run } from "./run_vaultra.ts";
import { testEach, type Workplace } from "./workplace.ts";

/** Runs its arguments on a terminal of 100 columns; prints what that showed and ends with their exit code. */
const terminal = `
import fcntl, os, pty, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
typed = sys.argv[1].encode().decode("unicode_escape").encode()
shown = b""
while True:
    try:
        block = os.read(master, 65536)
    except OSError:
        break
    if not block: break
    shown += block
    if typed and b"Type " in shown:
        os.write(master, typed)
        typed = b""
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** Runs Vaultra as a person sees it, who types something when asked. Escapes are shown as "␛". */
async function watch(place: Workplace, args: string[], env: Record<string, string> = {}, typed = "") {
  const { command, args: before } = place.vaultra;
  const python = { name: "python3", command: "python3", args: ["-c", terminal, typed, command, ...before] };
  const options = { cwd: place.folder, env: { ...place.environment, TERM: "xterm", ...env } };
  const { code, stdout, stderr } = await run(python, args, options);
  assert.equal(stderr, "");
  return { code, stdout: stdout.replaceAll("\x1b", "␛") };
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
    const plain = await watch(place, ["verify", "latest", "--store", "./backups", ...args], env);
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
  for (const typed of ["targte\\r", "\\x03"]) {
    const refused = await watch(place, restore, {}, typed);
    assert.equal(refused.code, 130, refused.stdout);
    assert.match(refused.stdout, /Nothing was restored/);
    await place.bash("cmp old.db target.db");
  }
  const done = await watch(place, restore, {}, "target\\r");
  assert.equal(done.code, 0, done.stdout);
  assert.match(done.stdout, /Type its name, target, to go on/);
  await place.bash("cmp shop.db target.db");
});

testEach("vaultra asks a person before it deletes a backup", async (place) => {
  place.sample("shop.db");
  await place.ok("backup", "--db", "sqlite:shop.db", "--to", "./backups");
  const [archive] = await place.archives();
  const remove = ["delete", /\/(.*)\.tar/.exec(archive!)![1]!, "--store", "./backups"];
  const refused = await watch(place, remove, {}, "yes\\r");
  assert.equal(refused.code, 130, refused.stdout);
  assert.match(refused.stdout, /no backup left in .*Type delete to delete 1 backup.*Nothing was deleted/s);
  assert.deepEqual(await place.archives(), [archive]);
  const done = await watch(place, remove, {}, "delete\\r");
  assert.equal(done.code, 0, done.stdout);
  assert.deepEqual(await place.archives(), []);
});

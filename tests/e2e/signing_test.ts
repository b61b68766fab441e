import assert from "node:assert/strict";
import { jsonLines, testEach, type Workplace } from "./workplace.ts";

/** The public name of a key file, as OpenSSL tells it. */
async function publicKey(place: Workplace, key: string): Promise<string> {
  return `ed25519:${
    (await place.bash(`openssl pkey -in ${key} -pubout -outform DER | tail -c 32 | base64`)).trim()
  }`;
}

async function configure(place: Workplace, signing: string): Promise<void> {
  await Deno.writeTextFile(
    place.path("vaultra.yaml"),
    `version: 1
stores:
  office: { url: "file:./backups" }
${signing}
jobs:
  shop: { database: { url: "sqlite:./shop.db" } }
  market: { database: { url: "sqlite:./shop.db" } }
`,
  );
}

/** A database, and a key that signs the backups of the configuration. */
async function prepare(place: Workplace): Promise<void> {
  place.sample("shop.db");
  await place.bash(
    "umask 077; for key in key other; do openssl genpkey -algorithm ed25519 -out $key.pem; done",
  );
  await configure(place, `signing: { key: "\${file:${place.path("key.pem")}}" }`);
}

testEach("vaultra signs backups, and restores only what a trusted key signed", async (place) => {
  await prepare(place);
  await place.ok("backup", "shop");
  const own = await publicKey(place, "key.pem");
  const { key, signature } = JSON.parse(await place.bash("cat backups/shop/*.sig"));
  assert.equal(key, own);
  await Deno.writeFile(place.path("signature"), Uint8Array.fromBase64(signature));
  await place.bash(
    "openssl pkeyutl -verify -rawin -inkey key.pem -in backups/shop/[0-9]*.json -sigfile signature",
  );
  await place.ok("verify", "latest");
  await place.ok("restore", "latest", "--to", "sqlite:one.db");

  // Another machine that knows only the public key
  await configure(place, `signing: { trusted: ["${own}"] }`);
  await place.ok("verify", "latest", "--quick");
  await place.ok("show", "latest");
  await place.ok("restore", "latest", "--to", "sqlite:two.db");
  const [archive] = await place.archives();
  await place.ok("restore", "--from", `backups/${archive}`, "--to", "sqlite:three.db");

  const other = await publicKey(place, "other.pem");
  await configure(place, `signing: { trusted: ["${other}"] }`);
  for (
    const args of [["verify", "latest"], ["show", "latest"], ["restore", "latest", "--to", "sqlite:x.db"]]
  ) {
    assert.ok((await place.fails(19, args)).stderr.includes(own));
  }
  const bytes = await Deno.readFile(place.path("backups", archive!));
  const piped = await place.fails(19, ["restore", "--from", "-", "--to", "sqlite:x.db"], { stdin: bytes });
  assert.match(piped.stderr, /without its record/);
  await place.bash(`cp backups/${archive} alone.tar.zst`);
  await place.fails(19, ["restore", "--from", "alone.tar.zst", "--to", "sqlite:x.db"]);

  await configure(place, "");
  const unsigned = await place.run(["restore", "--from", "-", "--to", "sqlite:four.db"], { stdin: bytes });
  assert.equal(unsigned.code, 0, unsigned.stderr);
  await place.bash("rm backups/shop/*.sig");
  await place.ok("verify", "latest");
  await configure(place, `signing: { trusted: ["${own}"] }`);
  assert.match((await place.fails(19, ["verify", "latest"])).stderr, /is not signed/);
  for (const name of ["one", "two", "three", "four"]) await place.sameDump("shop.db", `${name}.db`);
  assert.deepEqual((await place.files()).filter((file) => /^\.?x\.db/.test(file)), []);
});

testEach("vaultra tells a store of which something was exchanged, forged or set back", async (place) => {
  await prepare(place);
  await place.ok("backup", "shop");
  await place.bash("cp -a backups before; sqlite3 shop.db 'create table later(x)'");
  await place.ok("backup", "shop");
  await place.ok("backup", "market");
  await place.bash("cp -a backups sound");
  const latest = ["verify", "latest", "--job", "shop", "--quick"];
  const sound = () => place.bash("rm -rf backups; cp -a sound backups");
  const swap = (one: string, other: string) =>
    place.bash(`cd backups; set -- ${one} ${other}; mv "$1" x; mv "$2" "$1"; mv x "$2"`);
  const [first, second] = (await place.bash("cd backups/shop; ls *.sig")).trim().split("\n")
    .map((name) => `shop/${name.replace(".sig", "")}`);
  const market = `market/${(await place.bash("cd backups/market; ls *.sig")).trim().replace(".sig", "")}`;

  for (const other of [first, market]) {
    for (const [extension, code] of [[".tar.zst", 13], [".sig", 19], [".json", 13]] as const) {
      await sound();
      await swap(`${second}${extension}`, `${other}${extension}`);
      // A record whose archive has another size is passed over in a list; named, it is told.
      await place.fails(code, latest);
    }
  }
  await sound();
  await place.bash(`cd backups; cp ${first}.json ${second}.json; cp ${first}.sig ${second}.sig`);
  await place.fails(13, latest);
  await sound();
  await place.bash(`sed -i 's/"rows":[0-9]*/"rows":7/' backups/${second}.json`);
  await place.fails(19, latest);

  // Everything in it was true once: only this machine's memory tells.
  const older = /The newest backup is .* of "shop" in .*, where .* was before/;
  await place.bash("rm -rf backups; cp -a before backups");
  const verified = await place.run(latest);
  assert.equal(verified.code, 3, verified.stderr);
  assert.match(verified.stderr, older);
  const restored = await place.run(["restore", "latest", "--job", "shop", "--to", "sqlite:old.db", "--json"]);
  assert.equal(restored.code, 3, restored.stderr);
  assert.ok(
    jsonLines(restored.stdout).some(({ type, code }) => type === "warning" && code === "signature.older"),
  );
  await place.fails(18, ["verify", "latest", "--job", "market"]);
  const again = await place.run(["backup", "shop"]);
  assert.equal(again.code, 3, again.stderr);
  assert.match(again.stderr, older);
  await place.ok(...latest);
  assert.equal((await place.run(["verify", "--all"])).code, 0);
  // What somebody planted is not missed when it is gone.
  const planted = place.path("backups/shop/20991231T235959Z-full-ffff.json");
  await Deno.writeTextFile(planted, "{}");
  await place.ok("backup", "shop");
  await Deno.remove(planted);
  await place.ok(...latest);
  // A machine without a memory believes the store.
  await place.bash("rm -rf backups state; cp -a before backups");
  await place.ok(...latest);
});

testEach("vaultra verify reads as much as it is told, and finds its samples again", async (place) => {
  await prepare(place);
  await place.ok("backup", "shop");
  const result = async (...args: string[]) =>
    jsonLines(await place.ok("verify", "latest", "--json", ...args)).at(-1);
  const full = await result();
  assert.deepEqual([full.level, full.parts], ["full", full.entries]);
  const quick = await result("--quick");
  assert.deepEqual([quick.level, quick.parts], ["quick", 0]);
  const sample = await result("--sample", "30%");
  assert.match(sample.seed, /^[0-9a-f]{8}$/);
  const again = await result("--sample", "30", "--seed", sample.seed);
  const { milliseconds: _one, ...found } = sample;
  const { milliseconds: _other, ...foundAgain } = again;
  assert.deepEqual(foundAgain, found);
  assert.match(
    await place.ok("verify", "latest", "--sample", "0.5%"),
    /\d+ of \d+ parts are whole \(--sample 0\.5% --seed [0-9a-f]{8}\)/,
  );
  const marks = jsonLines(await place.bash("cat backups/shop/marks/*"));
  assert.deepEqual(marks.map(({ details }) => details.level).sort(), [
    "full",
    "quick",
    "sample",
    "sample",
    "sample",
  ]);

  for (
    const [args, sentence] of [
      [["--quick", "--full"], /exclude each other/],
      [["--seed", "00000001"], /--seed goes with --sample/],
      [["--sample", "0%"], /above 0 and up to 100/],
      [["--sample", "101"], /above 0 and up to 100/],
      [["--sample", "5", "--seed", "x"], /eight hexadecimal digits/],
    ] as const
  ) {
    assert.match((await place.fails(2, ["verify", "latest", ...args])).stderr, sentence);
  }

  // Marks need a store that can be written; backups are as whole without them.
  await place.bash("chmod -R a-w backups");
  const isRoot = Deno.uid() === 0;
  const humble = isRoot ? place.with("setpriv", "--bounding-set=-dac_override,-dac_read_search") : place;
  const unmarked = await humble.run(["verify", "latest", "--quick"]);
  assert.equal(unmarked.code, 3, unmarked.stderr);
  assert.match(unmarked.stderr, /is whole, but the mark that says so cannot be written/);
  await place.bash("chmod -R u+w backups");
});

import assert from "node:assert/strict";
import { jsonLines, testEach, type Workplace } from "./workplace.ts";

/** Two stores that hold copies of one backup, whose id is returned. */
async function prepare(place: Workplace): Promise<string> {
  place.sample("shop.db", { rows: 60 });
  await Deno.writeTextFile(
    place.path("vaultra.yaml"),
    `version: 1
stores: { office: "file:./office", vault: "file:./vault" }
jobs: { shop: { database: "sqlite:./shop.db", store: office } }
`,
  );
  await place.ok("backup", "shop");
  await place.ok("copy", "latest", "--store", "office", "--to", "vault");
  const [{ backups }] = jsonLines(await place.ok("list", "--store", "office", "--json"));
  return backups[0].id;
}

testEach("a damaged record in one store hides no good copy in another", async (place) => {
  const id = await prepare(place);
  await place.bash(`echo '{' > office/shop/${id}.json`);
  for (const name of [id, "latest"]) {
    const shown = await place.run(["show", name]);
    assert.equal(shown.code, 3, shown.stderr);
    assert.match(shown.stderr, /^warning: The store "office" was passed over: .*\n {2}\S/m);
    assert.ok(shown.stdout.includes(id));
  }
  assert.match((await place.run(["show", "latest"])).stderr, /It may hold a newer backup than/);
  assert.equal((await place.run(["restore", id, "--to", "sqlite:back.db"])).code, 3);
  await place.sameDump("shop.db", "back.db");
  // Where nothing else holds it, the damage is what is told.
  await place.fails(13, ["show", id, "--store", "office"]);
  await place.bash("rm -r vault");
  await place.fails(13, ["show", id]);
  await place.fails(13, ["show", "latest"]);
});

testEach("a store that is out of reach hides no copy in another", async (place) => {
  const id = await prepare(place);
  await place.bash("rm -r office && echo 'no folder' > office");
  for (const name of [id, "latest"]) {
    const shown = await place.run(["show", name]);
    assert.equal(shown.code, 3, shown.stderr);
    assert.match(shown.stderr, /^warning: The store "office" was passed over: /m);
  }
  await place.bash("rm -r vault");
  await place.fails(11, ["show", id]);
  // A name that is none is still told as such.
  await place.bash("rm office");
  await place.fails(18, ["show", id]);
});

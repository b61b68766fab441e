import assert from "node:assert/strict";
import { outcome } from "./run_vaultra.ts";
import { testEach } from "./workplace.ts";

testEach("vaultra backup runs a job once at a time and names who holds its lock", async (place) => {
  place.sample("shop.db", { rows: 100_000 });
  place.sample("other.db", { rows: 10 });
  const backup = (db: string) => ["backup", "--db", `sqlite:${db}`, "--to", "./backups"];
  const first = place.start(backup("shop.db"));
  await place.bash("for i in $(seq 2000); do ls backups/.locks/shop* && exit; sleep 0.01; done; exit 1");
  first.kill("SIGSTOP");
  const second = await place.fails(12, backup("shop.db"));
  assert.match(
    second.stderr,
    new RegExp(`job "shop": backup on \\S+ \\(process ${first.pid}\\) since 20.*\\n  Wait`),
  );
  await place.ok(...backup("other.db"));
  first.kill("SIGCONT");
  const done = await outcome(first);
  assert.equal(done.code, 0, done.stderr);
  await place.ok(...backup("shop.db"));
  assert.equal((await place.ok("verify", "--all", "--store", "./backups")).match(/✔/g)?.length, 3);
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { run, temporaryFolder } from "../tests/fakes/machine.ts";
import { generateIdentity, generateSigner } from "./generate_key.ts";
import { SigningKey } from "./signing/signing_key.ts";

Deno.test("generateIdentity() makes a file as age-keygen does, which age-keygen reads", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "key");
  const { text, publicKey } = await generateIdentity(new Date("2026-11-24T06:47:58.123Z"));
  Deno.writeTextFileSync(path, text);
  assert.equal(run("age-keygen", "-y", path).trim(), publicKey);
  assert.match(text, /^# created: 2026-11-24T06:47:58Z\n/);
  run("age-keygen", "-o", join(folder.path, "theirs"));
  const shape = (file: string) =>
    file.replace(/created: \S+/, "created").replace(/age1\w+/, "age1").replace(/KEY-1\w{58}\n/, "KEY-1");
  assert.equal(shape(text), shape(Deno.readTextFileSync(join(folder.path, "theirs"))));
  assert.notEqual((await generateIdentity(new Date())).publicKey, publicKey);
});

Deno.test("generateSigner() makes a key that signs, which openssl reads", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "key.pem");
  const { text, publicKey } = await generateSigner();
  Deno.writeTextFileSync(path, text);
  assert.match(run("openssl", "pkey", "-in", path, "-noout", "-text"), /ED25519 Private-Key/i);
  assert.equal((await SigningKey.parse(text)).publicKey, publicKey);
});

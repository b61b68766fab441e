import assert from "node:assert/strict";
import { join } from "node:path";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import { identitiesIn, passphraseIn, readKeyFile, readPassphraseFile } from "./key_file.ts";
import { Secrets } from "./secrets.ts";

const mistyped = "AGE-SECRET-KEY-15YE9MCY05V2GFS0JC0PS76WL0JNHC3LQNW06RZFN4G7HHX77EP2SY2FGZQ";
const identity = "AGE-SECRET-KEY-15YE9MCY05V2GFS0JC0PS76WL0JNHC3LQNW06RZFN4G7HHX77EP2SY2FGZM";

Deno.test("identitiesIn() reads what age-keygen wrote, and masks it", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "key");
  run("age-keygen", "-o", path);
  const secrets = new Secrets();
  const text = `${Deno.readTextFileSync(path)}\r\n \n${identity}\r\n`;
  const found = await identitiesIn(text, "it", secrets);
  assert.equal(found.length, 2);
  assert.equal(found[1], identity);
  assert.match(found[0]!, /^AGE-SECRET-KEY-1/);
  assert.equal(secrets.redact(found.join(" ")), "*** ***");
});

Deno.test("identitiesIn() says what a text is instead, and quotes none of it", async () => {
  const cases: [string, RegExp][] = [
    ["", /^it holds no identity$/],
    ["# public key: age1x\n\n", /^it holds no identity$/],
    ["-----BEGIN AGE ENCRYPTED FILE-----\nabc", /^it is itself encrypted by a passphrase$/],
    ["age-encryption.org/v1\n-> scrypt", /^it is itself encrypted by a passphrase$/],
    [
      "# mine\nage1nexe30fu",
      /^it holds a recipient in line 2, which encrypts, and no identity, which opens$/,
    ],
    ["hunter2", /^it holds something else than an identity AGE-SECRET-KEY-1…$/],
    [`${identity}\n${identity.slice(0, 40)}`, /^it holds something else than an identity .* in line 2$/],
    [identity.toLowerCase(), /something else/],
    [mistyped, /^it holds an identity that is mistyped: its checksum is wrong$/],
    [`# mine\n${identity}\n${mistyped}`, /^it holds an identity in line 3 that is mistyped/],
  ];
  for (const [text, message] of cases) {
    await assert.rejects(identitiesIn(text, "it", new Secrets()), { code: "config.identity", message });
  }
});

Deno.test("passphraseIn() takes one line, and masks it", () => {
  const secrets = new Secrets();
  assert.equal(passphraseIn(" correct horse ", "it", secrets), " correct horse ");
  assert.equal(secrets.redact("[ correct horse ]"), "[***]");
  for (const text of ["", "a\nb", "a\0", "x".repeat(4097)]) {
    assert.throws(() => passphraseIn(text, "it", secrets), { code: "config.passphrase" });
  }
});

Deno.test("readPassphraseFile() cuts one newline at the end", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "phrase");
  for (const end of ["", "\n", "\r\n"]) {
    await Deno.writeTextFile(path, `correct horse${end}`, { mode: 0o600 });
    assert.equal(await readPassphraseFile(path, new Secrets(), assert.fail), "correct horse");
  }
  await Deno.writeTextFile(path, "\n");
  await assert.rejects(readPassphraseFile(path, new Secrets(), assert.fail), {
    code: "config.passphrase",
    message: `The passphrase file "${path}" is empty`,
  });
});

Deno.test("readKeyFile() warns of a file that others may read", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "key");
  const warnings: string[] = [];
  await Deno.writeTextFile(path, identity);
  for (const mode of [0o600, 0o400, 0o640, 0o604]) {
    await Deno.chmod(path, mode);
    assert.equal(await readKeyFile(path, "identity file", (message) => warnings.push(message)), identity);
  }
  const warning = `Others than its owner may read the identity file "${path}"`;
  assert.deepEqual(warnings, [warning, warning]);
});

Deno.test("readKeyFile() refuses what is absent, a folder, too large or not text", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "key");
  const read = (file: string) => readKeyFile(file, "identity file", () => {});
  const code = "config.key-file";
  await assert.rejects(read(path), {
    code,
    message: `The identity file cannot be used: there is no file "${path}"`,
  });
  await assert.rejects(read(folder.path), { code, message: /it is a folder$/ });
  await Deno.writeTextFile(path, "x".repeat((64 << 10) + 1));
  await assert.rejects(read(path), { code, message: /larger than 64 KiB$/ });
  await Deno.writeFile(path, Uint8Array.of(0xff, 0xfe, 0xfd));
  await assert.rejects(read(path), { code, message: /is not UTF-8 text$/ });
});

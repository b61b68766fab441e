import assert from "node:assert/strict";
import { join } from "node:path";
import { maskAddress, maskConfig, plainSecretsOf } from "./mask.ts";
import { resolveText, Secrets } from "./secrets.ts";

const environment = { PW: "p@ss/w:rd?&", HOST: "db.example", EMPTY: "" };
const resolve = (text: string, secrets = new Secrets()) => resolveText(text, environment, secrets);

Deno.test("resolveText() puts the values of variables in", async () => {
  assert.equal(await resolve("${env:HOST}"), "db.example");
  assert.equal(await resolve("a ${env:HOST} b ${env:HOST}"), "a db.example b db.example");
  assert.equal(await resolve("costs $5"), "costs $5");
  assert.equal(await resolve("$${env:HOST}"), "${env:HOST}");
});

Deno.test("resolveText() does not resolve what a secret holds", async () => {
  const nested = { A: "${env:B}", B: "no" };
  assert.equal(await resolveText("${env:A}", nested, new Secrets()), "${env:B}");
});

Deno.test("resolveText() encodes a secret inside an address where its characters would mean something else", async () => {
  const url = new URL(await resolve("acme://ada:${env:PW}@${env:HOST}:5432/x?token=${env:PW}"));
  assert.equal(url.host, "db.example:5432");
  assert.equal(decodeURIComponent(url.password), environment.PW);
  assert.equal(url.searchParams.get("token"), environment.PW);
  assert.equal(await resolve("${env:PW}"), environment.PW, "a value of its own stays as it is");
});

Deno.test("resolveText() reads a file without the newline at its end", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "secret");
    for (
      const [content, value] of [["s3cret\n", "s3cret"], ["s3cret\r\n", "s3cret"], ["a\nb\n\n", "a\nb\n"], [
        " x ",
        " x ",
      ]]
    ) {
      await Deno.writeTextFile(path, content!);
      assert.equal(await resolve(`\${file:${path}}`), value);
    }
    await Deno.writeTextFile(path, "x".repeat((64 << 10) + 1));
    await assert.rejects(resolve(`\${file:${path}}`), {
      code: "config.secret",
      message: /larger than 64 KiB$/,
    });
    await Deno.writeTextFile(path, "\n");
    await assert.rejects(resolve(`\${file:${path}}`), { code: "config.secret", message: /is empty$/ });
    await Deno.writeFile(path, new Uint8Array([0xff]));
    await assert.rejects(resolve(`\${file:${path}}`), { code: "config.secret", message: /not UTF-8 text$/ });
    await assert.rejects(resolve(`\${file:${folder}}`), {
      code: "config.secret",
      message: /it is a folder$/,
    });
    await assert.rejects(resolve(`\${file:${path}.none}`), {
      code: "config.secret",
      message: /^there is no file/,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("resolveText() refuses references that are wrong, unset or empty", async () => {
  const cases: [string, RegExp][] = [
    ["${env:NONE}", /^the environment variable "NONE" is not set$/],
    ["${env:toString}", /is not set$/],
    ["${env:EMPTY}", /^the environment variable "EMPTY" is empty$/],
    ["${env:PW", /^"\$\{env:PW" has no closing brace$/],
    ["${", /has no closing brace$/],
    ["${}", /is no reference: write \$\{env:NAME\}/],
    ["${HOME}", /^"\$\{HOME\}" is no reference/],
    ["${env:}", /is no reference/],
    ["${env:A B}", /is no reference/],
    ["${vault:x}", /is no reference/],
    ["${file:}", /is no reference/],
    ["${file:secrets/x}", /must name its file by an absolute path$/],
    [`\${${"x".repeat(10_000)}`, /^.{1,120}$/],
  ];
  for (const [text, message] of cases) {
    await assert.rejects(resolve(text), { code: "config.secret", message }, text.slice(0, 50));
  }
});

Deno.test("Secrets.redact() masks secrets in every form in which they are written", async () => {
  const secrets = new Secrets();
  await resolve("acme://ada:${env:PW}@db", secrets);
  secrets.add('line one\n"two"');
  secrets.add("caf%C3%A9");
  const seen = [
    environment.PW,
    encodeURIComponent(environment.PW),
    JSON.stringify({ x: 'line one\n"two"' }),
    "café",
  ];
  for (const text of seen) {
    const redacted = secrets.redact(`error at ${text} there`);
    assert.match(redacted, /^error at .*\*\*\*.* there$/);
    assert.ok(!redacted.includes(text));
  }
});

Deno.test("Secrets.redact() replaces the longest secret first and short ones only by themselves", () => {
  const secrets = new Secrets();
  for (const secret of ["abcd", "abcdefgh", "it", ".*", ""]) secrets.add(secret);
  assert.equal(secrets.redact("abcdefgh abcd"), "*** ***");
  assert.equal(secrets.redact("it waits: it"), "*** waits: ***");
  assert.equal(secrets.redact("a .* b"), "a *** b");
  assert.equal(secrets.redact("nothing here"), "nothing here");
});

Deno.test("maskAddress() hides passwords and leaves the rest", () => {
  const cases: [string, string][] = [
    ["acme://ada:hunter2@db/x", "acme://ada:***@db/x"],
    ["acme://ada:p@ss@db/x", "acme://ada:***@db/x"],
    ["acme://ada:p/w@db/x", "acme://ada:***@db/x"],
    ["acme://:hunter2@db", "acme://:***@db"],
    ["acme://ada@db/x", "acme://ada@db/x"],
    ["acme://ada:${env:PW}@db/x", "acme://ada:${env:PW}@db/x"],
    ["acme://ada:x${env:PW}@db/x", "acme://ada:***@db/x"],
    ["acme://ada:${file:/run/a@b}@db/x", "acme://ada:${file:/run/a@b}@db/x"],
    ["acme://db:5432/x?user=a@b", "acme://db:5432/x?user=a@b"],
    ["acme://a:1,b:2/x?user=a@b", "acme://a:1,b:2/x?user=a@b"],
    ["acme://[::1]:5432/x?user=a@b", "acme://[::1]:5432/x?user=a@b"],
    ["bucket://b/x?access-key=AKIA&token=t1&region=eu", "bucket://b/x?access-key=***&token=***&region=eu"],
    ["acme://ada:one@db/?password=two", "acme://ada:***@db/?password=***"],
    ["file:/srv/a:b@c", "file:/srv/a:b@c"],
    ["just text", "just text"],
  ];
  for (const [address, masked] of cases) assert.equal(maskAddress(address), masked);
  assert.deepEqual(plainSecretsOf("acme://ada:one@db/?password=two"), ["one", "two"]);
});

Deno.test("maskConfig() hides what keys call a secret, at every depth", () => {
  const config = {
    url: "acme://ada:hunter2@db",
    password: "hunter2",
    tls: { "private-key": "PEM", ca: "/etc/ca.pem" },
    deep: [{ apiToken: "t", secret: ["a", "b"], passphrase: 5 }],
    reference: { password: "${env:PW}", token: "x${env:PW}" },
    none: { password: null },
    keys: {
      backup: { recipient: "age1x", identity: "AGE-SECRET-KEY-1X" },
      other: { identity: "${file:/x}" },
    },
    signing: { key: "PEM", trusted: ["ed25519:x"] },
    key: "orders",
  };
  assert.deepEqual(maskConfig(config), {
    url: "acme://ada:***@db",
    password: "***",
    tls: { "private-key": "***", ca: "/etc/ca.pem" },
    deep: [{ apiToken: "***", secret: "***", passphrase: "***" }],
    reference: { password: "${env:PW}", token: "***" },
    none: { password: null },
    keys: { backup: { recipient: "age1x", identity: "***" }, other: { identity: "${file:/x}" } },
    signing: { key: "***", trusted: ["ed25519:x"] },
    key: "orders",
  });
});

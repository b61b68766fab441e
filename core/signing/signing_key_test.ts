import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { generateSigningKey, isSignedBy, publicKeyName, SigningKey } from "./signing_key.ts";

const message = new TextEncoder().encode("a record\n");

/** Runs the real `openssl`, which knows nothing of us. */
function openssl(...args: string[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] }));
}

async function inFolder(work: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work((name) => join(folder, name));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("SigningKey signs what openssl verifies, with a key that generateSigningKey() made", async () => {
  await inFolder(async (path) => {
    const { pem, publicKey } = await generateSigningKey();
    const key = await SigningKey.parse(pem);
    assert.equal(key.publicKey, publicKey);
    await Deno.writeTextFile(path("key.pem"), pem);
    // OpenSSL writes the key as we do.
    assert.equal(new TextDecoder().decode(openssl("pkey", "-in", path("key.pem"))), pem);
    openssl("pkey", "-in", path("key.pem"), "-pubout", "-out", path("key.pub"));
    await Deno.writeFile(path("message"), message);
    await Deno.writeFile(path("signature"), await key.sign(message));
    const told = openssl(
      ...["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", path("key.pub")],
      ...["-in", path("message"), "-sigfile", path("signature")],
    );
    assert.match(new TextDecoder().decode(told), /Verified Successfully/);
  });
});

Deno.test("isSignedBy() accepts what openssl signed, with a key that openssl made", async () => {
  await inFolder(async (path) => {
    openssl("genpkey", "-algorithm", "ed25519", "-out", path("key.pem"));
    const { publicKey } = await SigningKey.parse(await Deno.readTextFile(path("key.pem")));
    // The last 32 bytes of the DER are the key itself.
    const der = openssl("pkey", "-in", path("key.pem"), "-pubout", "-outform", "DER");
    assert.equal(publicKey, `ed25519:${der.slice(-32).toBase64()}`);
    await Deno.writeFile(path("message"), message);
    const signature = openssl(
      "pkeyutl",
      "-sign",
      "-rawin",
      "-inkey",
      path("key.pem"),
      "-in",
      path("message"),
    );
    assert.equal(await isSignedBy(publicKey, signature, message), true);
    const other = await generateSigningKey();
    assert.equal(await isSignedBy(other.publicKey, signature, message), false);
  });
});

Deno.test("isSignedBy() refuses every flipped bit of message and signature, and wrong lengths", async () => {
  const { pem, publicKey } = await generateSigningKey();
  const signature = await (await SigningKey.parse(pem)).sign(message);
  const flipped = (bytes: Uint8Array<ArrayBuffer>, bit: number) => {
    const copy = bytes.slice();
    copy[bit >> 3]! ^= 1 << (bit & 7);
    return copy;
  };
  for (let bit = 0; bit < signature.length * 8; bit++) {
    assert.equal(await isSignedBy(publicKey, flipped(signature, bit), message), false);
  }
  for (let bit = 0; bit < message.length * 8; bit++) {
    assert.equal(await isSignedBy(publicKey, signature, flipped(message, bit)), false);
  }
  for (const length of [0, 1, 63]) {
    assert.equal(await isSignedBy(publicKey, signature.slice(0, length), message), false);
  }
});

Deno.test("SigningKey.parse() allows words around the key and refuses all else without quoting it", async () => {
  const { pem, publicKey } = await generateSigningKey();
  assert.equal(
    (await SigningKey.parse(`# made today\r\n${pem.replaceAll("\n", "\r\n")}`)).publicKey,
    publicKey,
  );
  const body = pem.split("\n")[1]!;
  const secret = body.slice(-40);
  const rsa = new TextDecoder().decode(openssl("genpkey", "-algorithm", "RSA"));
  for (
    const bad of [
      "",
      body,
      pem.replace(secret, ""),
      pem.replace(secret, secret.slice(1)),
      pem.replace(secret, `${secret}AAAA`),
      pem.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"),
      " ".repeat(1 << 20) + pem,
      rsa,
    ]
  ) {
    await assert.rejects(SigningKey.parse(bad), (error: Error & { code: string }) => {
      assert.equal(error.code, "config.signing-key");
      assert.ok(!Deno.inspect(error).includes(secret.slice(0, 12)));
      return true;
    });
  }
});

Deno.test("publicKeyName has one spelling for each key", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (raw) => {
      const name = `ed25519:${raw.toBase64()}`;
      assert.equal(publicKeyName.parse(name), name);
      for (
        const other of [name.slice(0, -1), `${name}=`, `${name}\n`, name.slice(0, -2) + "B=", raw.toBase64()]
      ) {
        assert.equal(publicKeyName.safeParse(other).success, false);
      }
    }),
  );
});

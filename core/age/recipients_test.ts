import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { VaultraError } from "../errors.ts";
import { ageKeygen } from "../../tests/fakes/age_program.ts";
import { checkRecipient, recipientFingerprint, recipientOf, recipientsOf } from "./recipients.ts";

Deno.test("checkRecipient() takes what age-keygen prints, and post-quantum recipients", async () => {
  await checkRecipient((await ageKeygen()).recipient);
  await checkRecipient(await identityToRecipient(await generateHybridIdentity()));
});

Deno.test("checkRecipient() refuses everything else in a sentence that quotes no secret", async () => {
  const { identity, recipient } = await ageKeygen();
  const refused = {
    [recipient.slice(0, -1)]: /checksum/,
    [recipient.replace(/^age1./, (start) => start.slice(0, 4) + (start[4] === "q" ? "p" : "q"))]: /checksum/,
    [recipient.toUpperCase()]: /no age recipient/,
    [`${recipient} `]: /no age recipient/,
    [identity]: /secret identity/,
    [identity.toLowerCase()]: /secret identity/,
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ": /SSH/,
    "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t": /plugin/,
    "age1tag1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t": /plugin/,
    "": /no age recipient/,
    [`age1${"q".repeat(5000)}`]: /no age recipient/,
  };
  for (const [text, message] of Object.entries(refused)) {
    await assert.rejects(checkRecipient(text), (error) => {
      assert.ok(error instanceof VaultraError);
      assert.equal(error.code, "config.recipient");
      assert.match(error.message, message);
      assert.ok(error.message.length < 250 && !error.message.includes(identity));
      return true;
    }, text);
  }
});

Deno.test("recipientOf() tells the public half of an identity, and never quotes a mistyped one", async () => {
  const { identity, recipient } = await ageKeygen();
  assert.equal(await recipientOf(identity), recipient);
  const mistyped = identity.slice(0, -1) + (identity.endsWith("Q") ? "P" : "Q");
  await assert.rejects(recipientOf(mistyped), (error) => {
    assert.ok(error instanceof VaultraError && error.code === "key.bad-identity");
    return !JSON.stringify(error.toData()).includes(mistyped.slice(20)) && error.cause === undefined;
  });
});

Deno.test("recipientsOf() names recipients by their hash, and a passphrase", () => {
  const name = createHash("sha256").update("age1abc").digest("hex").slice(0, 16);
  assert.equal(recipientFingerprint("age1abc"), name);
  assert.deepEqual(recipientsOf({ recipients: ["age1abc"] }), [name]);
  assert.deepEqual(recipientsOf({ passphrase: "secret" }), ["passphrase"]);
});

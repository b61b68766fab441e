import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { failure, keys, owner, setUp } from "../../tests/fakes/fake_job.ts";
import { FakeDatabase } from "../../tests/fakes/fake_database.ts";
import type { Fault } from "../../tests/fakes/faulty_store.ts";
import type { MemoryStore } from "../../tests/fakes/memory_store.ts";
import type { BackupRecord } from "../archive/format.ts";
import { FramePool } from "../archive/frame_pool.ts";
import { backup } from "../backup.ts";
import { Catalog } from "../catalog/catalog.ts";
import { archiveKeyOf, recordKey, signatureKey } from "../catalog/keys.ts";
import { documentBytes, recordBytes } from "../catalog/record.ts";
import type { SeenBackup } from "../catalog/seen.ts";
import { VaultraError } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { restore } from "../restore.ts";
import { once } from "../streams/blocks.ts";
import type { Bytes } from "../streams/bytes.ts";
import { verify } from "../verify.ts";
import { signRecord } from "./signature.ts";
import { generateSigningKey, SigningKey } from "./signing_key.ts";

/** A job whose backups are signed, and an operation that asks for its signature. */
async function signedJob(faults: readonly Fault[] = []) {
  const all = setUp(faults);
  const { pem, publicKey } = await generateSigningKey();
  const job = { ...all.job, signingKey: pem };
  const trusting: Operation = { ...all.operation, trusted: [publicKey] };
  return { ...all, job, pem, publicKey, trusting };
}

async function bytesOf(store: MemoryStore, key: string): Promise<Bytes> {
  return new Uint8Array(await new Blob(await Array.fromAsync(await store.get(key))).arrayBuffer());
}

async function put(store: MemoryStore, key: string, bytes: Bytes): Promise<void> {
  await store.put(key, once(bytes));
}

/** Exchanges the bytes of two objects. */
async function exchange(store: MemoryStore, one: string, other: string): Promise<void> {
  const [first, second] = [await bytesOf(store, one), await bytesOf(store, other)];
  await put(store, one, second);
  await put(store, other, first);
}

/** Verifies a backup as it is named. */
async function verifyNamed(
  store: MemoryStore,
  named: { readonly job: string; readonly id: string },
  operation: Operation,
): Promise<void> {
  await using pool = FramePool.open({ workers: 1, signal: operation.signal });
  await verify(store, await new Catalog(store).read(named), pool, operation, { level: "quick" });
}

/** The code with which verifying a backup fails. */
async function codeOf(
  store: MemoryStore,
  named: { readonly job: string; readonly id: string },
  operation: Operation,
): Promise<string> {
  return (await failure(verifyNamed(store, named, operation))).code;
}

Deno.test("backup() signs the record's bytes so that openssl can check them", async () => {
  const { memory, job, operation, pem, trusting } = await signedJob();
  const record = await backup(job, owner, operation);
  await verifyNamed(memory, record, trusting);
  const folder = await Deno.makeTempDir();
  try {
    const path = (name: string) => join(folder, name);
    const { signature } = JSON.parse(
      new TextDecoder().decode(await bytesOf(memory, signatureKey("shop", record.id))),
    );
    await Deno.writeTextFile(path("key.pem"), pem);
    await Deno.writeFile(path("record"), await bytesOf(memory, recordKey("shop", record.id)));
    await Deno.writeFile(path("signature"), Uint8Array.fromBase64(signature));
    const told = execFileSync("openssl", [
      ...["pkeyutl", "-verify", "-rawin", "-inkey", path("key.pem")],
      ...["-in", path("record"), "-sigfile", path("signature")],
    ], { encoding: "utf8" });
    assert.match(told, /Verified Successfully/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openBackup() accepts a record that openssl signed, whatever its JSON looks like", async () => {
  const { memory, job, operation, pem, publicKey, trusting } = await signedJob();
  const record = await backup(job, owner, operation);
  const folder = await Deno.makeTempDir();
  try {
    const path = (name: string) => join(folder, name);
    const odd = new TextEncoder().encode(
      JSON.stringify({ ...record, later: "a key of a later version" }, null, 2),
    );
    await Deno.writeTextFile(path("key.pem"), pem);
    await Deno.writeFile(path("record"), odd);
    const signature = execFileSync("openssl", [
      ...["pkeyutl", "-sign", "-rawin", "-inkey", path("key.pem"), "-in", path("record")],
    ]).toString("base64");
    await put(memory, recordKey("shop", record.id), odd);
    await put(
      memory,
      signatureKey("shop", record.id),
      documentBytes({ format: 1, key: publicKey, signature }),
    );
    await verifyNamed(memory, record, trusting);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("backup() puts the signature before the record, and no signature without a key", async () => {
  for (const signs of [true, false]) {
    const { memory, job, operation } = await signedJob();
    const order: string[] = [];
    const put = memory.put.bind(memory);
    memory.put = (key, body, options) => {
      if (/^shop\/\d/.test(key)) order.push(key.replace(/^[^.]*/, ""));
      return put(key, body, options);
    };
    const { signingKey: _key, ...plain } = job;
    await backup(signs ? job : plain, owner, operation);
    assert.deepEqual(order, signs ? [".tar.zst", ".sig", ".json"] : [".tar.zst", ".json"]);
  }
});

for (const key of [".sig", ".json"]) {
  for (const answerLost of [false, true]) {
    Deno.test(`backup() leaves nothing when ${answerLost ? "the answer to " : ""}its ${key} is lost`, async () => {
      const error = new VaultraError("store.disk-full", "The disk is full");
      // The run's document ends in .json too: the record is the first.
      const faults: Fault[] = [{ method: "put", key, error, call: 1, answerLost }];
      const { memory, job, operation } = await signedJob(faults);
      assert.equal((await failure(backup(job, owner, operation))).code, "store.disk-full");
      assert.deepEqual((await keys(memory)).filter((key) => !key.includes("/runs/")), []);
    });
  }
}

Deno.test("backup() refuses a key that can't sign before it reads anything", async () => {
  const { memory, job, operation, database } = await signedJob();
  database.fault = { at: "open", error: new VaultraError("database.broken", "The database was opened") };
  const error = await failure(backup({ ...job, signingKey: "no key" }, owner, operation));
  assert.equal(error.code, "config.signing-key");
  assert.deepEqual((await keys(memory)).filter((key) => !key.includes("/runs/")), []);
});

Deno.test("openBackup() refuses what is not signed, signed by others, or signed otherwise", async () => {
  const { memory, job, operation, publicKey, trusting } = await signedJob();
  const record = await backup(job, owner, operation);
  const key = signatureKey("shop", record.id);
  const sound = JSON.parse(new TextDecoder().decode(await bytesOf(memory, key)));
  const stranger = await generateSigningKey();
  const outcome = async (document: unknown, trusted = [publicKey]) => {
    const bytes = typeof document === "string" ? new TextEncoder().encode(document) : documentBytes(document);
    await put(memory, key, bytes);
    return await codeOf(memory, record, { ...trusting, trusted });
  };
  const others = [stranger.publicKey];
  const untrusted = await failure(verifyNamed(memory, record, { ...trusting, trusted: others }));
  assert.equal(untrusted.code, "signature.untrusted");
  assert.equal(untrusted.exitCode, 19);
  assert.ok(untrusted.message.includes(publicKey));
  assert.equal(await codeOf(memory, record, { ...trusting, trusted: [] }), "signature.untrusted");

  assert.equal(await outcome({ ...sound, key: stranger.publicKey }), "signature.untrusted");
  assert.equal(await outcome({ ...sound, key: stranger.publicKey }, others), "signature.invalid");
  const flipped = Uint8Array.fromBase64(sound.signature);
  flipped[40]! ^= 1;
  assert.equal(await outcome({ ...sound, signature: flipped.toBase64() }), "signature.invalid");
  assert.equal(await outcome({ ...sound, format: 2 }), "damaged.newer-format");
  for (
    const malformed of [
      "",
      "{",
      "[".repeat(4000),
      " ".repeat(5000) + JSON.stringify(sound),
      { ...sound, format: 0 },
      { ...sound, key: publicKey.replace("ed25519", "rsa") },
      { ...sound, key: [publicKey] },
      { ...sound, signature: sound.signature.slice(4) },
      { ...sound, signature: sound.signature.replace("==", "") },
      { ...sound, signature: undefined },
      '{"__proto__":{}}',
    ]
  ) {
    assert.equal(await outcome(malformed), "signature.invalid", JSON.stringify(malformed));
  }
  await memory.remove(key);
  const missing = await failure(verifyNamed(memory, record, trusting));
  assert.deepEqual([missing.code, missing.exitCode], ["signature.missing", 19]);
  await put(memory, key, documentBytes(sound));
  await verifyNamed(memory, record, { ...trusting, trusted: [...others, publicKey] });
});

Deno.test("openBackup() asks for no signature where none is trusted, and warns of a wrong one", async () => {
  const { memory, job, operation, events } = await signedJob();
  const record = await backup(job, owner, operation);
  const told = async () => {
    events.length = 0;
    await verifyNamed(memory, record, operation);
    return events.flatMap((event) => event.type === "warning" ? [event.code] : []);
  };
  assert.deepEqual(await told(), []);
  const key = signatureKey("shop", record.id);
  const sound = JSON.parse(new TextDecoder().decode(await bytesOf(memory, key)));
  await put(memory, key, documentBytes({ ...sound, key: (await generateSigningKey()).publicKey }));
  assert.deepEqual(await told(), ["signature.invalid"]);
  await put(memory, key, documentBytes({ ...sound, format: 2 }));
  assert.deepEqual(await told(), ["damaged.newer-format"]);
  await put(memory, key, new Uint8Array(10_000));
  assert.deepEqual(await told(), ["signature.invalid"]);
  await memory.remove(key);
  assert.deepEqual(await told(), []);
});

Deno.test("restore() reads no archive without a signed record where signatures are asked for", async () => {
  const { memory, job, operation, trusting } = await signedJob();
  const record = await backup(job, owner, operation);
  const target = new FakeDatabase();
  const into = (origin: Parameters<typeof restore>[0]["origin"], given: Operation) =>
    restore({
      origin,
      target: () => Promise.resolve({ plugin: { plugin: target.plugin, module: "" }, config: {} }),
    }, given);
  const key = archiveKeyOf(record);
  const pipe = { kind: "pipe" as const, bytes: await memory.get(key) };
  assert.equal((await failure(into(pipe, trusting))).code, "signature.missing");
  const byAddress = { kind: "backup" as const, store: memory, key };
  assert.equal((await failure(into(byAddress, trusting))).code, "signature.missing");
  await memory.remove(signatureKey("shop", record.id));
  assert.equal((await failure(into({ ...byAddress, record }, trusting))).code, "signature.missing");
  assert.deepEqual([target.tables.size, target.open], [0, 0]);
  await into({ ...byAddress, record }, operation);
  target.tables.clear();
  await into(byAddress, operation);
});

/** Two backups of one job and one of another, all signed by the same key, each of other content. */
async function threeBackups() {
  const all = await signedJob();
  const { job, operation, database } = all;
  const first = await backup(job, owner, operation);
  database.tables.set("users", ["all others left"]);
  const second = await backup(job, owner, operation);
  database.tables.set("users", ["another shop"]);
  const other = await backup({ ...job, name: "market" }, owner, operation);
  return { ...all, first, second, other };
}

Deno.test("openBackup() refuses archives, records and signatures that were exchanged", async () => {
  const keysOf = (record: BackupRecord) => ({
    archive: archiveKeyOf(record),
    record: recordKey(record.job, record.id),
    signature: signatureKey(record.job, record.id),
  });
  const { memory, first, second, other, trusting } = await threeBackups();
  for (const [one, another] of [[first, second], [first, other]] as const) {
    const [a, b] = [keysOf(one), keysOf(another)];
    const outcomes =
      async () => [await codeOf(memory, one, trusting), await codeOf(memory, another, trusting)];
    const family = (codes: readonly string[]) => codes.map((code) => code.split(".")[0]);
    const back = async (...names: (keyof typeof a)[]) => {
      for (const name of names) await exchange(memory, a[name], b[name]);
    };
    await back("archive");
    assert.deepEqual(family(await outcomes()), ["damaged", "damaged"]);
    await back("archive", "signature");
    assert.deepEqual(await outcomes(), ["signature.invalid", "signature.invalid"]);
    await back("signature", "record");
    assert.deepEqual(await outcomes(), ["damaged.record", "damaged.record"]);
    // Archive, record and signature of one backup under the name of another: a replay.
    await back("archive", "signature");
    assert.deepEqual(await outcomes(), ["damaged.record", "damaged.record"]);
    await back("archive", "signature", "record");
    for (const record of [one, another]) await verifyNamed(memory, record, trusting);
  }
});

Deno.test("openBackup() refuses a backup of which anything was taken away", async () => {
  const { memory, first, second, trusting } = await threeBackups();
  await memory.remove(archiveKeyOf(first));
  assert.equal(await codeOf(memory, first, trusting), "no-backup.archive");
  await memory.remove(recordKey("shop", first.id));
  assert.equal(await codeOf(memory, first, trusting), "no-backup.unknown");
  await memory.remove(signatureKey("shop", second.id));
  assert.equal(await codeOf(memory, second, trusting), "signature.missing");
});

/** Every value in a document that is no document itself, by its path. */
function* leaves(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== "object" || value === null) yield path;
  else for (const [key, inner] of Object.entries(value)) yield* leaves(inner, [...path, key]);
}

function changed(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  const text = String(value);
  const last = text.at(-1)!;
  return text.slice(0, -1) + (last === "1" ? "2" : "1");
}

/** The document with another value at one place, or without it. */
function withChange(document: object, path: readonly string[], change: (value: unknown) => unknown): object {
  const copy = structuredClone(document) as Record<string, unknown>;
  let inner = copy;
  for (const key of path.slice(0, -1)) inner = inner[key] as Record<string, unknown>;
  const key = path.at(-1)!;
  inner[key] = change(inner[key]);
  return copy;
}

Deno.test("openBackup() refuses a record of which anything was changed, also when somebody else signed it anew", async () => {
  const { memory, job, operation, trusting } = await signedJob();
  const record = await backup({ ...job, label: "before the migration" }, owner, operation);
  const forger = await SigningKey.parse((await generateSigningKey()).pem);
  const [key, signature] = [recordKey("shop", record.id), signatureKey("shop", record.id)];
  const sound = await bytesOf(memory, signature);
  const paths = [...leaves(record)];
  assert.ok(paths.length > 25);
  for (const path of paths) {
    for (const change of [changed, () => undefined, () => null]) {
      const forged = documentBytes(withChange(record, path, change));
      await put(memory, key, forged);
      await put(memory, signature, sound);
      const { exitCode } = await failure(verifyNamed(memory, record, trusting));
      assert.ok(exitCode === 13 || exitCode === 19, `${path.join(".")}: ${exitCode}`);
      await put(memory, signature, await signRecord(forged, forger));
      const again = await failure(verifyNamed(memory, record, trusting));
      assert.ok(again.exitCode === 13 || again.exitCode === 19, `${path.join(".")}: ${again.exitCode}`);
    }
  }
  // What its owner did not write: other bytes that say the same.
  await put(memory, signature, sound);
  for (const spelling of [JSON.stringify(record), `${new TextDecoder().decode(recordBytes(record))} `]) {
    await put(memory, key, new TextEncoder().encode(spelling));
    assert.equal(await codeOf(memory, record, trusting), "signature.invalid");
  }
  await put(memory, key, recordBytes(record));
  await verifyNamed(memory, record, trusting);
});

Deno.test("openBackup() refuses a store that shows another record at every look", async () => {
  const { memory, job, operation, trusting } = await signedJob();
  const record = await backup(job, owner, operation);
  await using pool = FramePool.open({ workers: 1, signal: operation.signal });
  const forged = { ...record, rows: record.rows + 1 };
  const error = await failure(verify(memory, forged, pool, trusting, { level: "quick" }));
  assert.equal(error.code, "damaged.record");
});

Deno.test("backup() warns when the store was set back since the last one", async () => {
  const { memory, job, operation, events } = await signedJob();
  const kept = new Map<string, SeenBackup | undefined>();
  const seen: Operation["seen"] = {
    newest: (store, job) => Promise.resolve(kept.get(store + job)),
    keep: (store, job, backup) => Promise.resolve(void kept.set(store + job, backup)),
  };
  const warnings = async () => {
    events.length = 0;
    await backup(job, owner, { ...operation, seen });
    return events.flatMap((event) => event.type === "warning" ? [event.code] : []);
  };
  assert.deepEqual(await warnings(), []);
  const before = new Map<string, Bytes>();
  for (const key of await keys(memory)) before.set(key, await bytesOf(memory, key));
  assert.deepEqual(await warnings(), []);
  for (const key of await keys(memory)) if (!before.has(key)) await memory.remove(key);
  for (const [key, bytes] of before) await put(memory, key, bytes);
  assert.deepEqual(await warnings(), ["signature.older"]);
  assert.deepEqual(await warnings(), []);
});

/**
 * A workplace full of secrets, of which none may show.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Canary, canary, canaryOf, CanarySearch } from "../fakes/canaries.ts";
import { type Outcome, outcome } from "./run_vaultra.ts";
import type { Prefix, Workplace } from "./workplace.ts";

/** Everything secret in a workplace, and where it may stand. */
export interface Vault {
  readonly canaries: readonly Canary[];
  readonly search: CanarySearch;
  readonly environment: Readonly<Record<string, string>>;
  /** Files that hold secrets by design. */
  readonly inputs: string[];
  /** Key files that open archives. */
  readonly identities: readonly string[];
  /** The text of `vaultra.yaml`. */
  readonly config: string;
  /** A configuration's text with the secret in it, for what is wrong with it. */
  readonly wrong: Readonly<Record<string, string>>;
}

/** How a command is run besides its arguments. */
export interface How {
  readonly prefix?: Prefix;
  readonly signal?: Deno.Signal;
  readonly env?: Readonly<Record<string, string>>;
}

/** Fills a workplace with keys, configurations and databases. */
export async function prepareVault(place: Workplace): Promise<Vault> {
  const inputs: string[] = [];
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(place.path(name), text, { mode: 0o600 });
    inputs.push(place.path(name));
  };
  const keygen = async (name: string) => {
    await place.bash(`umask 077; age-keygen -o ${name} 2> /dev/null`);
    inputs.push(place.path(name));
    const text = await Deno.readTextFile(place.path(name));
    return {
      canary: canaryOf(`the identity in ${name}`, /^AGE-SECRET-KEY-.*$/m.exec(text)![0]),
      recipient: /age1\w+/.exec(text)![0],
    };
  };
  const [backup, offline, foreign] = [
    await keygen("backup.key"),
    await keygen("offline.key"),
    await keygen("foreign.key"),
  ];
  await place.bash("umask 077; openssl genpkey -algorithm ed25519 -out signing.pem");
  inputs.push(place.path("signing.pem"));
  const pem = await Deno.readTextFile(place.path("signing.pem"));
  const signing = canaryOf("the signing key", pem.split("\n")[1]!);

  const inFile = canary("the passphrase in a file");
  const inEnvironment = canary("the passphrase in the environment");
  const inConfig = canary("the passphrase in the configuration");
  const other = canary("a passphrase that opens nothing");
  const user = canary("the password of an address");
  const query = canary("the token in an address");
  const key = canary("the access key of a store");
  const note = canary("the secret in a label");
  const pattern = canary("the secret in a pattern");
  const file = canaryOf("the database's file", `shop-${canary("").core}.db`);
  await write("passphrase", `${inFile.secret}\n`);
  await write("other-passphrase", other.secret);
  await write("two-lines", `${other.secret}\n${other.secret}`);
  place.sample(file.secret, { rows: 60 });
  inputs.push(place.path(file.secret));
  place.sample("shop.db", { rows: 60 });

  const text = (secret: string) => JSON.stringify(secret);
  const keys = `keys:
  backup: { recipient: ${backup.recipient}, identity: "\${file:${place.path("backup.key")}}" }
  offline: { recipient: ${offline.recipient}, identity: "\${env:OFFLINE}" }
signing: { key: "\${file:${place.path("signing.pem")}}" }
`;
  const stores = `version: 1
stores:
  office: { url: "file:./backups" }
  branch: { url: "file:./branch" }
`;
  const config = `${stores}${keys}jobs:
  shop:
    database: "sqlite:\${env:SHOP}"
    store: office
    encryption: { to: [backup, offline] }
    label: "before \${env:NOTE}"
  phrase: { database: "sqlite:shop.db", store: office, encryption: { passphrase: "\${file:${
    place.path("passphrase")
  }}" } }
  spoken: { database: "sqlite:shop.db", store: office, encryption: { passphrase: ${text(inConfig.secret)} } }
  absent: { database: "sqlite:./absent-\${env:SHOP}", store: office }
  chosen: { database: "sqlite:shop.db", store: office, exclude-data: ["\${env:PATTERN}"] }
  plain: { database: "sqlite:shop.db", store: branch }
`;
  const address = `postgres://backup:${encodeURIComponent(user.secret)}@db/orders?access_token=${
    encodeURIComponent(query.secret)
  }`;
  const raw = `postgres://backup:${user.secret}@db/orders?access_token=${query.secret}`;
  const job = (line: string) =>
    `${stores}jobs:\n  shop: { database: "sqlite:shop.db", store: office, ${line} }\n`;
  const wrong = {
    "an address that no plugin knows": `${stores}jobs: { shop: { database: ${
      text(address)
    }, store: office } }\n`,
    "a raw address": `${stores}jobs: { shop: { database: ${text(raw)}, store: office } }\n`,
    "an address by reference":
      `${stores}jobs: { shop: { database: "postgres://u:\${env:PASSWORD}@db/x", store: office } }\n`,
    "a store that no plugin knows": `version: 1\nstores:\n  office: { url: "s3://b", access-key: ${
      text(key.secret)
    }, password: { x: ${
      text(key.secret)
    } } }\njobs: { shop: { database: "sqlite:shop.db", store: office } }\n`,
    "a store's foreign keys": `version: 1\nstores:\n  office: { url: "file:./backups", secret-key: ${
      text(key.secret)
    } }\njobs: { shop: { database: "sqlite:shop.db", store: office } }\n`,
    "a misspelt key": job(`encryption: { passprase: ${text(inConfig.secret)} }`),
    "a passphrase of two lines": job(
      `encryption: { passphrase: ${text(`${inConfig.secret}\n${inConfig.secret}`)} }`,
    ),
    "a list for a passphrase": job(`encryption: { passphrase: [${text(inConfig.secret)}] }`),
    "a mapping for a passphrase": job(`encryption: { passphrase: { value: ${text(inConfig.secret)} } }`),
    "both": job(`encryption: { to: [backup], passphrase: ${text(inConfig.secret)} }`),
    "a text for encryption": job(`encryption: ${text(inConfig.secret)}`),
    "an identity for a recipient": job(`encryption: { to: [${backup.canary.secret}] }`),
    "an identity for a key's recipient":
      `${stores}keys: { backup: { recipient: ${backup.canary.secret} } }\njobs: {}\n`,
    "no identity": `${stores}keys: { backup: { recipient: ${backup.recipient}, identity: ${
      text(inConfig.secret)
    } } }\njobs: { shop: { database: "sqlite:shop.db", store: office, encryption: { to: [backup] } } }\n`,
    "another's signing key": `${stores}signing: { key: ${
      text(inConfig.secret)
    } }\njobs: { shop: { database: "sqlite:shop.db", store: office } }\n`,
    "a signing key as trusted": `${stores}signing: { trusted: [${text(pem)}] }\njobs: {}\n`,
    "a signing key in plain": `${stores}signing: { key: ${
      text(pem)
    } }\njobs: { shop: { database: "sqlite:absent.db", store: office } }\n`,
    "a text that does not end": job(`encryption: { passphrase: ${text(inConfig.secret).slice(0, -1)} }`),
    "a tab": `${stores}jobs:\n\tshop: { encryption: { passphrase: ${text(inConfig.secret)} } }\n`,
    "a key twice": job(
      `encryption: { passphrase: ${text(inConfig.secret)}, passphrase: ${text(inConfig.secret)} }`,
    ),
    "an anchor": job(`encryption: { passphrase: &secret ${text(inConfig.secret)}, to: *secret }`),
    "a tag": job(`encryption: { passphrase: !!int ${text(inConfig.secret)} }`),
    "a reference that is none": job(`encryption: { passphrase: "\${env:PASSWORD" }`),
    "a reference in a reference": job(`encryption: { passphrase: "\${file:\${env:PASSWORD}}" }`),
    "a secret for a number": job(`parallel: "\${env:PASSWORD}"`),
    "a secret for a choice": job(`compression: "\${env:PASSWORD}", proof: "\${env:PASSWORD}"`),
    "a secret for a duration": job(`limits: { timeout: "\${env:PASSWORD}" }`),
    "a secret for a store":
      `version: 1\njobs: { shop: { database: "sqlite:shop.db", store: "\${env:PASSWORD}" } }\n`,
    "a secret for a database": `${stores}jobs: { shop: { database: "\${env:PASSWORD}", store: office } }\n`,
  };
  await write("vaultra.yaml", config);
  const canaries = [
    ...[backup.canary, offline.canary, foreign.canary, signing, inFile, inEnvironment, inConfig, other],
    ...[user, query, key, note, pattern, file],
  ];
  return {
    canaries,
    search: new CanarySearch(canaries),
    environment: {
      OFFLINE: offline.canary.secret,
      SHOP: file.secret,
      NOTE: note.secret,
      PATTERN: pattern.secret,
      PASSWORD: user.secret,
      VAULTRA_PLAIN_ENCRYPTION_PASSPHRASE: inEnvironment.secret,
    },
    inputs,
    identities: [place.path("backup.key")],
    config,
    wrong,
  };
}

/** The command lines of all processes that a process started, and its own. */
async function commandLines(pid: number): Promise<string[]> {
  try {
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    const own = await Deno.readTextFile(`/proc/${pid}/cmdline`);
    const below = await Promise.all(
      children.split(" ").filter((child) => child.trim() !== "").map((child) => commandLines(Number(child))),
    );
    return [own, ...below.flat()];
  } catch {
    return [];
  }
}

/** Runs a command in a workplace of secrets; fails when one of them shows in what it says or in how it is listed. */
export async function runSilent(
  place: Workplace,
  vault: Vault,
  args: readonly string[],
  how: How = {},
): Promise<Outcome> {
  const at = how.prefix === undefined ? place : place.with(...how.prefix);
  const child = at.start(args, { env: { ...vault.environment, ...how.env } });
  const lines = new Set<string>();
  const watch = setInterval(async () => {
    for (const line of await commandLines(child.pid)) lines.add(line);
  }, 20);
  const timer = how.signal === undefined ? undefined : setTimeout(() => child.kill(how.signal!), 250);
  const limit = setTimeout(() => child.kill("SIGKILL"), 240_000);
  const done = await outcome(child);
  clearInterval(watch);
  clearTimeout(timer);
  clearTimeout(limit);
  const what = `vaultra ${args.join(" ")} (${done.code})`;
  assert.notEqual(done.code, 137, `${what} did not end`);
  const bytes = new TextEncoder().encode(`${done.stdout}\n${done.stderr}\n${[...lines].join("\n")}`);
  assert.deepEqual(vault.search.inBytes(bytes), [], `${what}\n${done.stdout}${done.stderr}`);
  return done;
}

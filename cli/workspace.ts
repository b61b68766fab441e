/**
 * What a command works with: the configuration, the secrets that it found, and the stores it looks into.
 *
 * @module
 */
import { Catalog } from "../core/catalog/catalog.ts";
import { type ConfigFile, loadConfig } from "../core/config/config_file.ts";
import type { ConfiguredStore } from "../core/config/job.ts";
import { resolveTrusted } from "../core/config/signing.ts";
import { resolveKeyring } from "../core/config/keyring.ts";
import { type ResolveContext, resolveStore } from "../core/config/resolve.ts";
import { Secrets } from "../core/config/secrets.ts";
import { VaultraError } from "../core/errors.ts";
import { eventLogger, type Keyring, type Operation } from "../core/operation.ts";
import type { ObjectStore } from "../core/store.ts";
import { abortError } from "../core/streams/abortable.ts";
import { localSeen } from "./local_seen.ts";
import type { KeyOptions } from "./options.ts";
import { askPassphrase } from "./prompts.ts";
import type { Session } from "./session.ts";

/** The configuration of one run of a command. */
export class Workspace {
  readonly context: ResolveContext;
  readonly #session: Session;
  /** The stores that a person asked for by `--store`. */
  readonly #asked = new Set<ConfiguredStore>();
  /** What opens backups and proves them. */
  readonly #trust: Pick<Operation, "keys" | "trusted">;

  private constructor(session: Session, context: ResolveContext, trust: Pick<Operation, "keys" | "trusted">) {
    this.#session = session;
    this.context = context;
    this.#trust = trust;
  }

  /**
   * Loads the configuration, if there is one; from now on the session masks every secret that is found.
   * @param options Of a command that opens backups, which `addKeyOptions` gave them; absent: none will be opened.
   * @param checksSignatures Whether signatures are checked, so that nothing goes on when it can't be found out whose are trusted.
   * @throws {VaultraError} `config.*`
   */
  static async open(
    session: Session,
    options?: KeyOptions,
    checksSignatures = options !== undefined,
  ): Promise<Workspace> {
    const secrets = new Secrets();
    session.mask(secrets.redact);
    const { env, registry } = session.context;
    const file = await loadConfig({ path: session.options.config, environment: env });
    const context = { file, registry, environment: env, secrets };
    const trusted = await trustedKeys(context, checksSignatures);
    return new Workspace(session, context, {
      ...(options === undefined ? {} : { keys: await keyring(session, context, options) }),
      ...(trusted === undefined ? {} : { trusted }),
    });
  }

  /** Tells in the log what a person should know of the keys. */
  readonly warn = (message: string): void => eventLogger(this.operation().listener, "keys").warn(message);

  /** @throws {VaultraError} `config.not-found` */
  requireFile(): ConfigFile {
    if (this.context.file) return this.context.file;
    throw new VaultraError("config.not-found", "There is no configuration file", {
      hint:
        "Write a vaultra.yaml, or name one with --config; a backup also takes --db sqlite:PATH --to FOLDER.",
    });
  }

  /**
   * The stores that a command looks into: the one that `--store` names, else all of the configuration, those that
   * its jobs name by their address too.
   * @throws {VaultraError} `usage.no-store` when there is none
   */
  async stores(address: string | undefined): Promise<ConfiguredStore[]> {
    if (address !== undefined) {
      const store = await resolveStore(address, this.context, "--store");
      this.#asked.add(store);
      return [store];
    }
    const { stores = {}, jobs = {} } = this.context.file ?? {};
    const places = new Map(Object.keys(stores).map((name) => [name, `stores.${name}`]));
    for (const [name, { store }] of Object.entries(jobs)) {
      if (typeof store === "string" && !places.has(store)) places.set(store, `jobs.${name}.store`);
    }
    if (places.size > 0) {
      return await Promise.all([...places].map(([store, place]) => resolveStore(store, this.context, place)));
    }
    throw new VaultraError("usage.no-store", "There is no configuration that names a store", {
      hint: "Say where the backups are with --store FOLDER.",
    });
  }

  /** What `core` is given, with what opens and proves backups and what this machine remembers of its stores. */
  operation(): Operation {
    const operation = this.#session.operation();
    const seen = localSeen(this.#session.context.env, operation.listener);
    return { ...operation, ...this.#trust, ...(seen === undefined ? {} : { seen }) };
  }

  /**
   * Opens a store: for reading unless another purpose is named. One that is written outlives an interruption, so that locks
   * are released even then; single calls are cancelled by their own signals.
   * @throws {VaultraError} `store.absent` when a person asked by `--store` for one that is not there: an empty answer would hide a
   * slip of the pen. One of the configuration is there once its first backup was made.
   */
  async openStore(
    configured: ConfiguredStore,
    purpose: "inspect" | "backup" = "inspect",
  ): Promise<ObjectStore> {
    const { plugin, config } = configured;
    const { host, signal: interrupted } = this.#session.context;
    if (interrupted.aborted) throw abortError(interrupted);
    const signal = purpose === "backup" ? new AbortController().signal : interrupted;
    const log = eventLogger(this.operation().listener, plugin.plugin.name);
    const store = await host.openStore(plugin, config, { purpose, signal, log });
    if (this.#asked.has(configured)) await refuseAbsent(store);
    return store;
  }

  /** The catalog of an open store; what it passes over is told as a warning. */
  catalog(store: ObjectStore): Catalog {
    return new Catalog(store, this.operation().listener);
  }
}

/** @throws {VaultraError} `store.absent` when the store is not there; it is closed then */
async function refuseAbsent(store: ObjectStore): Promise<void> {
  try {
    // Whatever holds something is there. Only an empty one is asked, for to ask is to try a write, too.
    for await (const _ of store.list("")) return;
    for await (const { status, found, fix } of store.checks()) {
      if (status === "ok") return;
      throw new VaultraError("store.absent", found, fix === undefined ? {} : { hint: fix });
    }
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

/** The keys that options, environment and configuration name; with a person there, who can be asked for a passphrase. */
async function keyring(session: Session, context: ResolveContext, options: KeyOptions): Promise<Keyring> {
  const { warn } = eventLogger(session.operation().listener, "keys");
  const keys = await resolveKeyring(context, options, warn);
  if (!session.context.interactive || options.passphraseFile !== undefined) return keys;
  // An answer is tried on the next backup, too, before anybody is asked again.
  const passphrases = [...keys.passphrases];
  const ask = async () => {
    const answer = await askPassphrase(session.context, context.secrets);
    passphrases.push(answer);
    return answer;
  };
  return { ...keys, passphrases, ask };
}

/**
 * The keys whose signatures are trusted. A command that opens no backup goes without them when they cannot be found out;
 * should it open one all the same, none is trusted.
 */
async function trustedKeys(
  context: ResolveContext,
  checksSignatures: boolean,
): Promise<readonly string[] | undefined> {
  try {
    return await resolveTrusted(context);
  } catch (error) {
    if (checksSignatures) throw error;
    return [];
  }
}

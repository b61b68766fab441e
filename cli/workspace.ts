/**
 * What a command works with: the configuration, the secrets that it found, and the stores it looks into.
 *
 * @module
 */
import { Catalog } from "../core/catalog/catalog.ts";
import { archiveKeyOf } from "../core/catalog/keys.ts";
import { checkSeen } from "../core/catalog/seen.ts";
import { type ConfigFile, loadConfig } from "../core/config/config_file.ts";
import type { ConfiguredStore } from "../core/config/job.ts";
import { resolveTrusted } from "../core/config/signing.ts";
import { resolveKeyring } from "../core/config/keyring.ts";
import { type ResolveContext, resolveStore } from "../core/config/resolve.ts";
import { Secrets } from "../core/config/secrets.ts";
import type { BackupRecord } from "../core/archive/format.ts";
import { toVaultraError, VaultraError } from "../core/errors.ts";
import type { BackupLocation } from "../core/open_backup.ts";
import { eventLogger, type Keyring, type Operation } from "../core/operation.ts";
import type { ObjectStore } from "../core/store.ts";
import { abortError } from "../core/streams/abortable.ts";
import { localSeen } from "./local_seen.ts";
import type { KeyOptions } from "./options.ts";
import { askPassphrase } from "./prompts.ts";
import type { Session } from "./session.ts";

/** A backup and the open store that holds it. */
export interface FoundBackup extends BackupLocation {
  readonly store: ObjectStore;
  readonly record: BackupRecord;
  readonly configured: ConfiguredStore;
}

/**
 * The one that a name means of what each store found by it: the newest for `latest`, else the one that all of them are a
 * copy of.
 * @throws {VaultraError} `usage.ambiguous-backup`
 */
export function chosenOf<Found extends Pick<FoundBackup, "record">>(
  name: string,
  found: readonly Found[],
): Found {
  const names = new Set(
    found.map(({ record }) => name === "latest" ? record.job : `${record.job} ${record.id}`),
  );
  if (names.size > 1) {
    throw new VaultraError(
      "usage.ambiguous-backup",
      `"${name}" names several backups: ${[...names].sort().join(", ")}`,
      {
        hint: "Say which with --job, with --store, or by its whole id.",
      },
    );
  }
  return found.reduce((newest, other) => other.record.id > newest.record.id ? other : newest);
}

/** That none of the stores holds a backup: what the first one's catalog said, with where it was looked for. */
export function foundNowhere(missing: VaultraError, stores: readonly ConfiguredStore[]): VaultraError {
  const places = stores.map(({ name }) => name).join(", ");
  return new VaultraError(missing.code, `${missing.message} in ${places}`, {
    ...(missing.hint === undefined ? {} : { hint: missing.hint }),
    cause: missing,
  });
}

/**
 * Refuses to choose among stores that all have a backup which is to be changed in one of them.
 * @throws {VaultraError} `usage.ambiguous-backup`
 */
export function refuseCopies(
  { job, id }: { readonly job: string; readonly id: string },
  stores: readonly string[],
): void {
  if (stores.length < 2) return;
  throw new VaultraError(
    "usage.ambiguous-backup",
    `The backup "${job}/${id}" is in several stores: ${stores.join(", ")}`,
    {
      hint: "Say in which one with --store.",
    },
  );
}

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

  /**
   * The one backup that a person named, in whichever store holds it. The store is the caller's to close. A store that is out
   * of reach or whose copy is damaged hides no other's: it is passed over with a warning.
   * @param options `last` is the name of a store whose copy is taken only if no other store has one.
   * @param purpose `backup`: the store will be written, and when several have a copy of the backup, which one must be said.
   * @throws {VaultraError} `no-backup.*`, `usage.ambiguous-backup`; what a store fails with when no other has the backup
   */
  async findBackup(
    name: string,
    options: {
      readonly store?: string | undefined;
      readonly job?: string | undefined;
      readonly last?: string | undefined;
    },
    purpose: "inspect" | "backup" = "inspect",
  ): Promise<FoundBackup> {
    const query = options.job === undefined ? {} : { job: options.job };
    let missing: VaultraError | undefined;
    const failures: { readonly store: string; readonly error: VaultraError }[] = [];
    const found: FoundBackup[] = [];
    try {
      const stores = await this.stores(options.store);
      const isLast = ({ name }: ConfiguredStore) => Number(name === options.last);
      for (const configured of stores.toSorted((a, b) => isLast(a) - isLast(b))) {
        let store: ObjectStore | undefined;
        try {
          store = await this.openStore(configured, purpose);
          const record = await this.catalog(store).find(name, query);
          if (name === "latest") await checkSeen(store, record.job, this.operation());
          found.push({ store, key: archiveKeyOf(record), record, configured });
        } catch (thrown) {
          await store?.[Symbol.asyncDispose]();
          this.#session.context.signal.throwIfAborted();
          const error = toVaultraError(thrown);
          if (error.family === "usage") throw error;
          if (error.family === "no-backup") missing ??= error;
          else failures.push({ store: configured.name, error });
        }
      }
      const chosen = found.length > 0 ? chosenOf(name, found) : undefined;
      if (chosen === undefined) throw failures[0]?.error ?? foundNowhere(missing!, stores);
      for (const { store, error } of failures) this.#tellPassedOver(store, error, name, chosen);
      if (purpose === "backup") {
        const copies = found.filter(({ record }) => record.id === chosen.record.id);
        refuseCopies(chosen.record, copies.map(({ configured }) => configured.name));
      }
      found.splice(found.indexOf(chosen), 1);
      return chosen;
    } finally {
      for (const { store } of found) await store[Symbol.asyncDispose]();
    }
  }

  #tellPassedOver(store: string, { code, message }: VaultraError, name: string, taken: FoundBackup): void {
    const { record, configured } = taken;
    this.operation().listener({
      type: "warning",
      code,
      message: `The store "${store}" was passed over: ${message}`,
      hint: name === "latest"
        ? `It may hold a newer backup than ${record.id} in "${configured.name}", which is taken: name one by its id.`
        : `The copy in "${configured.name}" is taken.`,
    });
  }
}

/** @throws {VaultraError} `store.absent` when the store is not there; it is closed then */
async function refuseAbsent(store: ObjectStore): Promise<void> {
  try {
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

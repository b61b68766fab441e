/**
 * What a plugin is: one definition, exported as the module's `default`, that says what it is called, how it
 * is configured, what it may touch and how its service is opened. Built-in and third-party plugins are alike.
 *
 * @module
 */
import type { DatabaseAdapter, HostedDatabase } from "./database.ts";
import type { Permissions, Purpose } from "./permissions.ts";
import type { ObjectStore } from "./store.ts";

/** The kinds of plugin and the service that each opens inside its Worker. */
export interface Services {
  database: DatabaseAdapter;
  store: ObjectStore;
}

/** A kind of plugin. */
export type PluginKind = keyof Services;

/** The part of the Standard Schema (https://standardschema.dev) that Vaultra uses; zod implements it. */
export interface Schema<Config> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): SchemaResult<Config> | Promise<SchemaResult<Config>>;
    readonly types?: { readonly input: unknown; readonly output: Config } | undefined;
  };
}

/** The outcome of a validation: the value, or the issues with their paths. */
export type SchemaResult<Config> =
  | { readonly value: Config; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One problem in a configuration. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Structured log lines of a plugin. They arrive in `core` as events; a flood is cut off. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** All that a plugin gets from its host. */
export interface PluginContext {
  /** Aborted when the operation is cancelled; its reason is a `VaultraError`. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** What the service is opened for. */
  readonly purpose: Purpose;
  /** The environment variables that the permissions name, as far as they are set. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Flushes a folder's entries to the disk after a rename inside it. The host does it, so that the plugin
   * needs no right to read the folder; the folder must hold a path that the plugin may write.
   */
  syncFolder(path: string): Promise<void>;
  /**
   * Names a file that must not outlive the operation. Should the Worker end before the file is let go by disposing,
   * because it hung or was interrupted, the host removes the file. It must lie where the plugin may write.
   */
  temporary(path: string): Disposable;
  /**
   * Announces a synchronous call that answers no heartbeat, such as an integrity check, and runs it.
   * @param milliseconds After this long without an answer the host ends the Worker.
   */
  blocking<T>(milliseconds: number, call: () => T): Promise<T>;
}

/** One definition of a plugin. `Config` is what the schema makes of the configuration's keys. */
export interface Plugin<Kind extends PluginKind, Name extends string, Config> {
  readonly kind: Kind;
  /** The name that registry, configuration and permissions use. */
  readonly name: Name;
  readonly apiVersion: 1;
  /** One line for help and lists. */
  readonly summary: string;
  /** URL schemes without the colon; the first is the canonical one. */
  readonly schemes: readonly string[];
  /** Validates `{ url, ...keys }` of a `database:` or `stores:` section; paths become absolute. */
  readonly config: Schema<Config>;
  /** The narrowest reach for this configuration and purpose. */
  permissions(config: Config, purpose: Purpose): Permissions;
  /** What may be shown of the configuration: no secret. */
  redact(config: Config): Readonly<Record<string, unknown>>;
  /** A short name for what the configuration points at: a database's name, a bucket. Job names come from it. */
  title(config: Config): string;
  /** Opens the service, inside the Worker. Drivers are imported here, by `import()`. */
  open(config: Config, context: PluginContext): Promise<Services[Kind]>;
}

/** A plugin of any kind, name and configuration. */
// deno-lint-ignore no-explicit-any -- a list of plugins of differing configurations has no narrower type
export type AnyPlugin = Plugin<PluginKind, string, any>;

/**
 * Defines a plugin and keeps its name as a literal type.
 *
 * @example
 * ```ts ignore
 * export default definePlugin({ kind: "store", name: "file", apiVersion: 1, … });
 * ```
 */
export function definePlugin<Kind extends PluginKind, const Name extends string, Config>(
  plugin: Plugin<Kind, Name, Config>,
): Plugin<Kind, Name, Config> {
  return Object.freeze(plugin);
}

/** A plugin in the registry: its definition and where the Worker imports it from. */
export interface RegisteredPlugin<P extends AnyPlugin = AnyPlugin> {
  readonly plugin: P;
  /** An absolute module URL. */
  readonly module: string;
}

/** How `core` opens a plugin's service without knowing Workers. */
export interface PluginHost {
  /** Opens a database by its plugin and validated configuration. */
  openDatabase(registered: RegisteredPlugin, config: unknown, options: OpenOptions): Promise<HostedDatabase>;
  /** Opens a store by its plugin and validated configuration. */
  openStore(registered: RegisteredPlugin, config: unknown, options: OpenOptions): Promise<ObjectStore>;
}

/** What a service is opened with. */
export interface OpenOptions {
  readonly purpose: Purpose;
  readonly signal: AbortSignal;
  /** Receives the plugin's log lines. */
  readonly log: Logger;
}

import type { AnyPlugin, PluginKind, RegisteredPlugin } from "./plugin.ts";
import { VaultraError } from "./errors.ts";

/** The plugins of one process: immutable, built once and passed down. An unknown literal name does not compile. */
export class Registry<P extends AnyPlugin = never> {
  readonly #plugins: ReadonlyMap<string, RegisteredPlugin>;

  constructor(plugins: ReadonlyMap<string, RegisteredPlugin> = new Map()) {
    this.#plugins = plugins;
  }

  /**
   * A registry that has one plugin more.
   * @param module The absolute URL from which the plugin's Worker imports it.
   * @throws {TypeError} The name or a scheme is taken.
   */
  with<Q extends AnyPlugin>(plugin: Q, module: string): Registry<P | Q> {
    const key = `${plugin.kind}:${plugin.name}`;
    if (this.#plugins.has(key)) throw new TypeError(`Cannot register plugin "${key}": the name is taken`);
    for (const scheme of plugin.schemes) {
      if (this.#find(plugin.kind, scheme)) {
        throw new TypeError(`Cannot register plugin "${key}": scheme "${scheme}" is taken`);
      }
    }
    return new Registry<P | Q>(new Map(this.#plugins).set(key, { plugin, module }));
  }

  /** The plugin of a kind and name that are known when compiling. */
  get<K extends P["kind"], N extends Extract<P, { kind: K }>["name"]>(
    kind: K,
    name: N,
  ): RegisteredPlugin<Extract<P, { kind: K; name: N }>> {
    return this.find(kind, name) as RegisteredPlugin<Extract<P, { kind: K; name: N }>>;
  }

  /**
   * The plugin of a name that a person wrote.
   * @throws {VaultraError} `usage.unknown-plugin`, which lists the known ones.
   */
  find(kind: PluginKind, name: string): RegisteredPlugin {
    const found = this.#plugins.get(`${kind}:${name}`);
    if (found) return found;
    throw new VaultraError("usage.unknown-plugin", `There is no ${kind} plugin "${name}"`, {
      hint: `Known are: ${this.list(kind).map((entry) => entry.plugin.name).join(", ") || "none"}.`,
    });
  }

  /**
   * The plugin that takes a URL scheme, or a plugin's bare name.
   * @throws {VaultraError} `usage.unknown-scheme`, which lists the known ones.
   */
  forScheme(kind: PluginKind, scheme: string): RegisteredPlugin {
    const found = this.#find(kind, scheme);
    if (found) return found;
    const known = this.list(kind).flatMap((entry) => entry.plugin.schemes.map((name) => `${name}:`));
    throw new VaultraError(
      "usage.unknown-scheme",
      `No ${kind} plugin takes addresses that begin with "${scheme}:"`,
      {
        hint: `Known are: ${known.join(", ") || "none"}.`,
      },
    );
  }

  /** All plugins of a kind, in the order they were added. */
  list(kind: PluginKind): RegisteredPlugin[] {
    return [...this.#plugins.values()].filter((entry) => entry.plugin.kind === kind);
  }

  #find(kind: PluginKind, scheme: string): RegisteredPlugin | undefined {
    return this.list(kind).find((entry) => entry.plugin.schemes.includes(scheme));
  }
}

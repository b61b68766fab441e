import { toVaultraError } from "../errors.ts";
import type { AnyPlugin, PluginKind, RegisteredPlugin } from "../plugin.ts";
import type { Registry } from "../registry.ts";
import { nearest } from "../text/nearest.ts";
import { type ConfigFile, isStoreName, noSuchStore } from "./config_file.ts";
import { explainIssues, valueAt } from "./issues.ts";
import type { Configured, ConfiguredStore } from "./job.ts";
import { knownKeys, pluginJsonSchema } from "./json_schema.ts";
import { isSecretPath, maskAddress, plainSecretsOf } from "./mask.ts";
import { type Problem, Problems, problemText } from "./problems.ts";
import { hasReferences } from "./references.ts";
import { resolveText, type Secrets } from "./secrets.ts";

/** What resolving takes from outside. */
export interface ResolveContext {
  /** The configuration file, if there is one. */
  readonly file: ConfigFile | undefined;
  readonly registry: Registry<AnyPlugin>;
  readonly environment: Readonly<Record<string, string>>;
  /** Learns every secret that is found, for {@linkcode Secrets.redact}. */
  readonly secrets: Secrets;
}

/** Makes the problem of a value by its path within what is resolved. */
export type Place = (path: readonly PropertyKey[], message: string, about?: "key" | "value") => Problem;

/** The place of everything in one flag or variable. */
export function placeOf(source: string): Place {
  return (_path, message) => ({ place: source, path: "", message });
}

/** Stands for a text whose references could not be resolved; text of a configuration holds no control characters. */
export const UNRESOLVED = "\0";

/** Resolves references, sections and stores; gathers problems and warnings on the way. */
export class Resolver {
  readonly problems = new Problems();
  readonly #warnings = new Set<string>();
  readonly context: ResolveContext;

  constructor(context: ResolveContext) {
    this.context = context;
  }

  /** Sentences about what is valid and yet unwise. */
  get warnings(): string[] {
    return [...this.#warnings];
  }

  /** Adds a sentence about what is valid and yet unwise. */
  readonly warn = (message: string): void => {
    this.#warnings.add(message);
  };

  /** @throws {VaultraError} `config.invalid` when problems were found. */
  throwIfAny(): void {
    this.problems.throwIfAny(this.context.secrets.redact);
  }

  /** A copy of the value in which every reference is resolved; one that can't be is a problem, and {@linkcode UNRESOLVED}. */
  async references(value: unknown, place: Place, path: readonly PropertyKey[] = []): Promise<unknown> {
    if (typeof value === "string") return await this.#text(value, place, path);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const [index, item] of value.entries()) {
        items.push(await this.references(item, place, [...path, index]));
      }
      return items;
    }
    const resolved: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      resolved[key] = await this.references(inner, place, [...path, key]);
    }
    return resolved;
  }

  async #text(text: string, place: Place, path: readonly PropertyKey[]): Promise<string> {
    const plain = isSecretPath(path) && !hasReferences(text) ? [text] : plainSecretsOf(text);
    for (const secret of plain) this.context.secrets.add(secret);
    if (plain.length > 0) {
      this.#warnings.add(
        problemText(
          place(path, "a secret stands here in plain text: write ${env:NAME} or ${file:/path} instead"),
        ),
      );
    }
    try {
      return await resolveText(text, this.context.environment, this.context.secrets);
    } catch (error) {
      this.problems.add(place(path, toVaultraError(error).message));
      return UNRESOLVED;
    }
  }

  /**
   * The plugin of a section's `url` with its validated configuration; `undefined` when there is a problem.
   * @param section An address, or a mapping of `url` and the plugin's keys; references are resolved.
   */
  async section(kind: PluginKind, section: unknown, place: Place): Promise<Configured | undefined> {
    const short = typeof section === "string";
    const value = short ? { url: section } : section;
    const url = valueAt(value, ["url"]);
    if (typeof url !== "string" || url === UNRESOLVED) return undefined;
    const at = (path: readonly PropertyKey[]) => short && path[0] === "url" ? path.slice(1) : path;

    const registered = this.#pluginOf(kind, url, (message) => this.problems.add(place(at(["url"]), message)));
    if (!registered) return undefined;
    const result = await registered.plugin.config["~standard"].validate(value);
    if (!result.issues) return { plugin: registered, config: result.value };
    const findings = explainIssues(result.issues, {
      value,
      at: [kind],
      knownKeys: (path) => knownKeys(pluginJsonSchema(registered), path),
    });
    for (const { path, message, about } of findings) {
      if (valueAt(value, path) !== UNRESOLVED) this.problems.add(place(at(path), message, about));
    }
    return undefined;
  }

  #pluginOf(kind: PluginKind, url: string, report: (message: string) => void): RegisteredPlugin | undefined {
    const { registry } = this.context;
    const known = registry.list(kind).flatMap(({ plugin }) => plugin.schemes);
    const scheme = schemeOf(url) ?? (kind === "store" ? "file" : undefined);
    if (scheme !== undefined && known.includes(scheme)) return registry.forScheme(kind, scheme);
    const meant = scheme && nearest(scheme, known);
    const hint = meant
      ? `. Did you mean "${meant}:"?`
      : `; known are ${known.map((name) => `${name}:`).join(", ")}`;
    report(
      scheme === undefined
        ? `"${maskAddress(url).slice(0, 100)}" does not say which kind of ${kind} it is: begin it with ${
          known.map((name) => `${name}:`).join(" or ")
        }`
        : `no ${kind} has addresses that begin with "${scheme.slice(0, 40)}:"${hint}`,
    );
    return undefined;
  }

  /** A store by the configuration's name for it, by its address, or by a folder's path. */
  async store(address: string, place: Place): Promise<ConfiguredStore | undefined> {
    const { file } = this.context;
    if (file && Object.hasOwn(file.stores, address)) {
      const at: Place = (path, message, about) => file.problem(["stores", address, ...path], message, about);
      const section = await this.references(file.stores[address], at);
      const configured = await this.section("store", section, at);
      return configured && { name: address, ...configured };
    }
    if (address === UNRESOLVED) return undefined;
    if (isStoreName(address)) {
      this.problems.add(place([], noSuchStore(address, file)));
      return undefined;
    }
    const configured = await this.section("store", address, place);
    return configured && { name: maskAddress(address), ...configured };
  }
}

/** An address's scheme in lower case. One letter is a Windows drive, not a scheme. */
export function schemeOf(address: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):/i.exec(address)?.[1]?.toLowerCase();
}

/**
 * From what was written to what is used: jobs, databases and stores with every layer merged, every reference
 * resolved and everything validated.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { nearest } from "../text/nearest.ts";
import { configPaths } from "./config_file.ts";
import { explainIssues, valueAt } from "./issues.ts";
import { encryptionOf, resolveRecipients as recipientsOf } from "./encryption.ts";
import type { Configured, ConfiguredStore, Encryption, Job } from "./job.ts";
import { configuredIdentities } from "./keyring.ts";
import { piecesOf } from "./references.ts";
import { type Place, placeOf, type ResolveContext, Resolver, schemeOf, UNRESOLVED } from "./resolver.ts";
import { jobSchema, type JobSettings } from "./schema.ts";
import { environmentProblems, type JobFlags, layerJob } from "./settings.ts";
import { signingKeyOf, trustedOf } from "./signing.ts";

export type { ResolveContext } from "./resolver.ts";
export type { JobFlags } from "./settings.ts";

/**
 * A job of the configuration file, ready to run.
 *
 * @throws {VaultraError} `usage.unknown-job`, `config.not-found` without a file, `config.invalid` with all problems.
 */
export async function resolveJob(name: string, flags: JobFlags, context: ResolveContext): Promise<Job> {
  requireJob(name, context);
  const resolver = new Resolver(context);
  checkEnvironment(resolver, [], [flags]);
  return finished(await fileJob(name, flags, resolver), resolver);
}

/**
 * The job that `--db` means: with an engine's name the one job of that engine in the file, with an address a job
 * that is nowhere written and is called as the database.
 *
 * @throws {VaultraError} `usage.database` when an engine has no job or several;
 * `config.not-found`, `config.invalid` as {@linkcode resolveJob}.
 */
export async function adHocJob(db: string, flags: JobFlags, context: ResolveContext): Promise<Job> {
  if (/^[A-Za-z][A-Za-z0-9_-]*$/.test(db)) {
    return await resolveJob(await jobOfEngine(db, context), flags, context);
  }
  const resolver = new Resolver(context);
  const place = placeOf("--db");
  const database = await resolver.section("database", await resolver.references(db, place), place);
  resolver.throwIfAny();
  const { plugin, config } = database!;
  const name = nameOf(plugin.plugin.title(config)) || plugin.plugin.name;
  checkEnvironment(resolver, [name], [db, flags]);
  // What is not of the address is written nowhere.
  const unwritten: Place = (path, message) => placeOf(path.length === 0 ? "" : "--db")(path, message);
  return finished(await layeredJob(name, { database: db }, flags, unwritten, resolver), resolver);
}

/**
 * A database by its address, such as a restore's target.
 * @param source Where the address was written, for messages: `--to`.
 * @throws {VaultraError} `config.invalid`
 */
export async function resolveDatabase(
  address: string,
  context: ResolveContext,
  source: string,
): Promise<Configured> {
  const resolver = new Resolver(context);
  const place = placeOf(source);
  return finished(
    await resolver.section("database", await resolver.references(address, place), place),
    resolver,
  );
}

/**
 * A store by the configuration's name for it, by its address or by a folder's path.
 * @param source Where the address was written, for messages: `--store`.
 * @throws {VaultraError} `config.invalid`
 */
export async function resolveStore(
  address: string,
  context: ResolveContext,
  source: string,
): Promise<ConfiguredStore> {
  const resolver = new Resolver(context);
  const place = placeOf(source);
  return finished(await resolver.store(String(await resolver.references(address, place)), place), resolver);
}

/**
 * Recipients by their names in `keys` or as they are.
 * @param source Where they were written, for messages: `--to`.
 * @throws {VaultraError} `config.invalid`
 */
export async function resolveRecipients(
  names: readonly string[],
  context: ResolveContext,
  source: string,
): Promise<readonly string[]> {
  const resolver = new Resolver(context);
  const place = placeOf(source);
  const written = await resolver.references(names, place) as string[];
  return finished(await recipientsOf(written, place, resolver), resolver);
}

/**
 * Checks the whole configuration as if every job were run: references, plugins' keys, environment.
 * @returns Warnings, each a sentence.
 * @throws {VaultraError} `config.not-found`, `config.invalid` with all problems.
 */
export async function checkConfig(context: ResolveContext): Promise<readonly string[]> {
  const file = requireFile(context);
  const resolver = new Resolver(context);
  checkEnvironment(resolver, [], []);
  for (const name of Object.keys(file.stores)) {
    await resolver.store(name, (path, message) => file.problem(["stores", name, ...path], message));
  }
  await recipientsOf(Object.keys(file.keys), placeOf("keys"), resolver);
  for (const name of Object.keys(file.keys)) await configuredIdentities(name, resolver);
  await trustedOf(resolver);
  for (const name of Object.keys(file.jobs)) await fileJob(name, {}, resolver);
  await signingKeyOf(resolver);
  resolver.throwIfAny();
  return resolver.warnings;
}

/** What was resolved; a missing result was told as a problem before. */
function finished<T>(result: T | undefined, resolver: Resolver): T {
  resolver.throwIfAny();
  if (result === undefined) {
    throw new VaultraError("internal", "The configuration was refused without a reason");
  }
  return result;
}

function requireFile({ file, environment }: ResolveContext) {
  if (file) return file;
  throw new VaultraError("config.not-found", "There is no configuration file", {
    hint: `Name one with --config, or write one of ${configPaths({ environment }).join(", ")}.`,
  });
}

function requireJob(name: string, context: ResolveContext): void {
  const jobs = Object.keys(requireFile(context).jobs);
  if (jobs.includes(name)) return;
  const meant = nearest(name, jobs);
  throw new VaultraError("usage.unknown-job", `There is no job "${name.slice(0, 100)}"`, {
    hint: meant ? `Did you mean "${meant}"?` : `The configuration has ${jobs.join(", ") || "no jobs"}.`,
  });
}

/** The one job of an engine. Only the addresses of jobs are resolved for it, not what else they need. */
async function jobOfEngine(engine: string, context: ResolveContext): Promise<string> {
  const known = context.registry.list("database").map(({ plugin }) => plugin);
  const wanted = known.find(({ name, schemes }) => name === engine || schemes.includes(engine));
  if (!wanted) {
    const meant = nearest(engine, known.map(({ name }) => name));
    throw new VaultraError("usage.database", `"${engine}" is neither an engine nor a database's address`, {
      hint: meant
        ? `Did you mean "${meant}"?`
        : `Engines are ${known.map(({ name }) => name).join(", ")}; an address begins with one, such as ${
          known[0]?.schemes[0] ?? "engine"
        }:PATH.`,
    });
  }
  const jobs: string[] = [];
  const resolver = new Resolver(context);
  for (const [name, job] of Object.entries(requireFile(context).jobs)) {
    const { value } = layerJob(name, job, context.environment, {});
    const database = value["database"];
    const written = typeof database === "object" ? (database as { url?: unknown } | null)?.url : database;
    const url = await resolver.references(written, placeOf(name));
    if (wanted.schemes.includes(schemeOf(String(url)) ?? "")) jobs.push(name);
  }
  if (jobs.length === 1) return jobs[0]!;
  throw new VaultraError(
    "usage.database",
    jobs.length === 0
      ? `The configuration has no job of a ${engine} database`
      : `Several jobs are of ${engine} databases: ${jobs.join(", ")}`,
    { hint: jobs.length === 0 ? "Name the database by its address." : "Name the job instead of --db." },
  );
}

/** A title as a job's name, which stands in keys: `jobName` of the archive format. */
function nameOf(title: string): string {
  return title.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+/, "").slice(0, 100);
}

function checkEnvironment(resolver: Resolver, names: readonly string[], more: readonly unknown[]): void {
  const { file, environment } = resolver.context;
  const jobs = [...new Set([...Object.keys(file?.jobs ?? {}), ...names])];
  const referenced = new Set(variablesIn([file?.stores, file?.keys, file?.signing, file?.jobs, ...more]));
  for (const problem of environmentProblems(jobs, environment, referenced)) resolver.problems.add(problem);
}

/** Every environment variable that a value refers to. */
function variablesIn(value: unknown): string[] {
  if (typeof value === "string") {
    return piecesOf(value).flatMap((piece) => piece.type === "env" ? [piece.name] : []);
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(variablesIn) : [];
}

async function fileJob(name: string, flags: JobFlags, resolver: Resolver): Promise<Job | undefined> {
  const file = requireFile(resolver.context);
  const place: Place = (path, message, about) => file.problem(["jobs", name, ...path], message, about);
  return await layeredJob(name, file.jobs[name]!, flags, place, resolver);
}

/** Lays all layers of a job over each other and validates the result; `undefined` when there are problems. */
async function layeredJob(
  name: string,
  written: Readonly<Record<string, unknown>>,
  flags: JobFlags,
  writtenPlace: Place,
  resolver: Resolver,
): Promise<Job | undefined> {
  const layered = layerJob(name, written, resolver.context.environment, flags);
  const place: Place = (path, message, about) => {
    const origin = layered.origin(path);
    return origin === undefined ? writtenPlace(path, message, about) : placeOf(origin)(path, message, about);
  };
  const value = await resolver.references(layered.value, place) as Record<string, unknown>;
  const result = jobSchema.safeParse(value);
  if (!result.success) {
    const findings = explainIssues(result.error.issues, { value, at: ["jobs", name], knownKeys: () => [] });
    for (const { path, message, about } of findings) {
      if (valueAt(value, path) !== UNRESOLVED) resolver.problems.add(place(path, message, about));
    }
  }
  const at = (...path: PropertyKey[]): Place => (inner, message, about) =>
    place([...path, ...inner], message, about);
  const database = await resolver.section("database", value["database"], at("database"));
  if (!result.success) return undefined;
  const store = await storeOf(result.data, at, resolver, name);
  const encryption = flags.passphrase === undefined
    ? await encryptionOf(result.data.encryption, at("encryption"), resolver)
    : { passphrase: flags.passphrase };
  const signingKey = (await signingKeyOf(resolver))?.pem;
  if (!database || !store) return undefined;
  return jobOf(name, result.data, { database, store, encryption, signingKey, warnings: resolver.warnings });
}

async function storeOf(
  settings: JobSettings,
  at: (...path: PropertyKey[]) => Place,
  resolver: Resolver,
  job: string,
): Promise<ConfiguredStore | undefined> {
  if (settings.store !== undefined) return await resolver.store(settings.store, at("store"));
  if (settings.stores) return await resolver.store(settings.stores.to[0]!, at("stores", "to", 0));
  const names = Object.keys(resolver.context.file?.stores ?? {});
  if (names.length === 1) return await resolver.store(names[0]!, at("store"));
  resolver.problems.add(
    at()(
      [],
      names.length === 0
        ? `no store is named for "${job}": add \`store\`, or --to with an address or a folder`
        : `no store is named for "${job}": add \`store\` or --to with one of ${names.join(", ")}`,
      "key",
    ),
  );
  return undefined;
}

/** What of a job is not in its settings alone. */
interface ResolvedParts {
  readonly database: Configured;
  readonly store: ConfiguredStore;
  readonly encryption: Encryption | undefined;
  readonly signingKey: string | undefined;
  readonly warnings: readonly string[];
}

function jobOf(
  name: string,
  settings: JobSettings,
  { database, store, encryption, signingKey, warnings }: ResolvedParts,
): Job {
  const { limits } = settings;
  return {
    name,
    database,
    store,
    only: settings.only,
    exclude: settings.exclude,
    excludeData: settings["exclude-data"],
    compression: settings.compression,
    ...(encryption === undefined ? {} : { encryption }),
    ...(signingKey === undefined ? {} : { signingKey }),
    proof: settings.proof,
    parallel: settings.parallel,
    limits: {
      lockWait: limits["lock-wait"],
      writerPause: limits["writer-pause"],
      ...(limits["log-growth"] === undefined ? {} : { logGrowth: limits["log-growth"] }),
      ...(limits.timeout === undefined ? {} : { timeout: limits.timeout }),
    },
    ...(settings.label === undefined ? {} : { label: settings.label }),
    warnings,
  };
}

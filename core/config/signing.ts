/**
 * The key that signs records, and the keys whose signatures are trusted.
 *
 * @module
 */
import { toVaultraError } from "../errors.ts";
import { publicKeyName, SigningKey } from "../signing/signing_key.ts";
import { lowerFirst } from "./issues.ts";
import { problemText } from "./problems.ts";
import { hasReferences } from "./references.ts";
import { type ResolveContext, Resolver, UNRESOLVED } from "./resolver.ts";

/** A signing key: as text, and the name of its public half. */
export interface ResolvedSigningKey {
  /** PKCS #8 in PEM. Secret. */
  readonly pem: string;
  readonly publicKey: string;
}

/** The configuration's signing key; `undefined` when it has none, or when a problem was told. */
export async function signingKeyOf(resolver: Resolver): Promise<ResolvedSigningKey | undefined> {
  const { file } = resolver.context;
  if (file?.signing.key === undefined) return undefined;
  const path = ["signing", "key"];
  const pem = String(await resolver.references(file.signing.key, file.problem, path));
  if (pem === UNRESOLVED) return undefined;
  try {
    const { publicKey } = await SigningKey.parse(pem);
    const { trusted } = file.signing;
    if (trusted !== undefined && !trusted.some((name) => name === publicKey || hasReferences(name))) {
      const message =
        `is not one of signing.trusted: backups that it signs are refused here; add ${publicKey}`;
      resolver.warn(problemText(file.problem(path, message)));
    }
    return { pem, publicKey };
  } catch (error) {
    resolver.problems.add(file.problem(path, lowerFirst(toVaultraError(error).message)));
    return undefined;
  }
}

/** The names of `signing.trusted`; `undefined` when the configuration has none. */
export async function trustedOf(resolver: Resolver): Promise<string[] | undefined> {
  const { file } = resolver.context;
  if (file?.signing.trusted === undefined) return undefined;
  const path = ["signing", "trusted"];
  const names = await resolver.references(file.signing.trusted, file.problem, path) as string[];
  for (const [index, name] of names.entries()) {
    if (name === UNRESOLVED || publicKeyName.safeParse(name).success) continue;
    resolver.problems.add(file.problem([...path, index], "expected a public key such as ed25519:…"));
  }
  return names;
}

/**
 * The public keys one of which must have signed a backup that is read: `signing.trusted`, else the one of
 * `signing.key`; `undefined` without both: signatures are not asked for.
 * @throws {VaultraError} `config.invalid`
 */
export async function resolveTrusted(context: ResolveContext): Promise<readonly string[] | undefined> {
  const resolver = new Resolver(context);
  const trusted = await trustedOf(resolver);
  const own = trusted === undefined ? await signingKeyOf(resolver) : undefined;
  resolver.throwIfAny();
  return trusted ?? (own && [own.publicKey]);
}

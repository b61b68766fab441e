import type { Compression } from "../archive/format.ts";
import type { BackupLimits, ProofLevel } from "../database.ts";
import type { RegisteredPlugin } from "../plugin.ts";

/** A plugin with its validated configuration, in which every secret stands in clear text. */
export interface Configured {
  readonly plugin: RegisteredPlugin;
  /** What the plugin's schema made of the configuration. */
  readonly config: unknown;
}

/** The store of a job or a command. */
export interface ConfiguredStore extends Configured {
  /** The configuration's name for it, or its address without secrets. */
  readonly name: string;
}

/** Bounds on a run. */
export interface JobLimits extends BackupLimits {
  /** The longest that the whole run may take, milliseconds. */
  readonly timeout?: number;
}

/** How archives are encrypted: to recipients, or with a passphrase. */
export type Encryption =
  | { readonly recipients: readonly string[]; readonly passphrase?: undefined }
  | { readonly passphrase: string; readonly recipients?: undefined };

/** One job, ready to run: flags, environment, file and defaults are merged, references resolved, all validated. */
export interface Job {
  /** As it stands in the store's keys. */
  readonly name: string;
  readonly database: Configured;
  readonly store: ConfiguredStore;
  /** Patterns of the objects to take; empty: all. */
  readonly only: readonly string[];
  /** Patterns of the objects to leave out. */
  readonly exclude: readonly string[];
  /** Patterns of the objects of which only the schema is taken. */
  readonly excludeData: readonly string[];
  readonly compression: {
    readonly name: Compression;
    /** zstd 1 to 19, gzip 1 to 9, none 0. */
    readonly level: number;
  };
  /** Absent: archives are not encrypted. */
  readonly encryption?: Encryption;
  /** The Ed25519 key that signs records, PKCS #8 in PEM; absent: they are not signed. */
  readonly signingKey?: string;
  readonly proof: ProofLevel;
  /** Connections to the database. */
  readonly parallel: number;
  readonly limits: JobLimits;
  readonly label?: string;
  /** What a person must know of the configuration though it is valid, each a sentence. */
  readonly warnings: readonly string[];
}

import type { ArchiveHeader, Compression } from "./archive/format.ts";
import type { SalvagedObject } from "./archive/found_object.ts";
import type { SalvageReader } from "./archive/salvage_reader.ts";
import type { OpenDamaged } from "./open_damaged.ts";

/** What is whole of an archive, and what is missing. */
export interface SalvageReport {
  /** Of the backup, as far as its header is whole. */
  readonly id?: string;
  readonly job?: string;
  readonly engine?: string;
  readonly started?: string;
  readonly compression: Compression;
  readonly encrypted: boolean;
  /** Bytes of the (decrypted) archive that were read, and those that belong to nothing whole. */
  readonly bytes: number;
  readonly lost: number;
  /** Bytes of an encrypted archive that are damaged, and could not be decrypted. */
  readonly undecrypted: number;
  /** Whole entries of other backups, which were left out. */
  readonly foreign: number;
  /** The archive's own documents that are missing or damaged: `vaultra.json`, `manifest.json`, … */
  readonly damagedDocuments: readonly string[];
  /** Files of the schema that are missing, as far as the index tells. */
  readonly missingFiles: readonly string[];
  /** Objects with parts of their own. */
  readonly objects: readonly SalvagedObject[];
  /** Sums over the objects; `exact`: nothing else was in the archive. */
  readonly totals: {
    readonly whole: number;
    readonly parts: number;
    readonly exact: boolean;
    readonly rows: number;
    readonly raw: number;
  };
  /** Whether nothing is missing, for certain. */
  readonly isWhole: boolean;
}

/** What a reader found that has come to the archive's end. */
export function reportOf(reader: SalvageReader, { encrypted, undecrypted }: OpenDamaged): SalvageReport {
  const { header, inventory, damagedDocuments } = reader;
  const objects = inventory.objects();
  const totals = totalsOf(objects);
  const isMissing = objects.some(({ missing, pages }) =>
    missing.length > 0 || (pages?.missing.length ?? 0) > 0
  );
  return {
    ...identityOf(header),
    compression: reader.compression,
    encrypted,
    bytes: reader.read,
    lost: reader.lost,
    undecrypted: undecrypted(),
    foreign: reader.foreign,
    damagedDocuments,
    missingFiles: inventory.missingFiles,
    objects,
    totals,
    isWhole: damagedDocuments.length === 0 && !isMissing && inventory.missingFiles.length === 0 &&
      totals.exact,
  };
}

function identityOf(
  header: ArchiveHeader | undefined,
): Pick<SalvageReport, "id" | "job" | "engine" | "started"> {
  return header === undefined
    ? {}
    : { id: header.id, job: header.job, engine: header.engine, started: header.started };
}

/** The sums over objects. */
export function totalsOf(objects: readonly SalvagedObject[]): SalvageReport["totals"] {
  const sum = (of: (object: SalvagedObject) => number) =>
    objects.reduce((total, each) => total + of(each), 0);
  return {
    whole: sum(({ whole }) => whole),
    parts: sum(({ parts }) => parts),
    exact: objects.every(({ exact }) => exact),
    rows: sum(({ rows }) => rows),
    raw: sum(({ raw }) => raw),
  };
}

/** What the first 100 bytes of a database file tell: https://sqlite.org/fileformat2.html#the_database_header. */
export interface DatabaseHeader {
  /** Bytes a page: a power of two from 512 to 65536. */
  readonly pageSize: number;
  /** Bytes at the end of each page that SQLite leaves to extensions. */
  readonly reserved: number;
  /** Whether the file is in WAL mode. */
  readonly wal: boolean;
  /** Counts the transactions of the rollback modes. */
  readonly changeCounter: number;
  /** Pages in the database; absent when the last writer was too old to keep it. */
  readonly pageCount?: number;
  /** The SQLite version number of the last writer, such as 3050002; 0 when unknown. */
  readonly writer: number;
}

/** Bytes of the header. */
export const HEADER_BYTES = 100;

const magic = new TextEncoder().encode("SQLite format 3\0");

/** Reads a header, or gives `undefined` for bytes that begin no SQLite database. */
export function parseHeader(bytes: Uint8Array): DatabaseHeader | undefined {
  if (bytes.length < HEADER_BYTES || magic.some((byte, index) => bytes[index] !== byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stored = view.getUint16(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return undefined;
  const changeCounter = view.getUint32(24);
  const pageCount = view.getUint32(28);
  const counted = pageCount > 0 && view.getUint32(92) === changeCounter;
  return {
    pageSize,
    reserved: view.getUint8(20),
    wal: view.getUint8(19) === 2,
    changeCounter,
    ...(counted ? { pageCount } : {}),
    writer: view.getUint32(96),
  };
}

/** A version number such as 3050002 as people write it: `3.50.2`. */
export function versionName(number: number): string {
  return `${Math.floor(number / 1_000_000)}.${Math.floor(number / 1000) % 1000}.${number % 1000}`;
}

/**
 * The sizes of an archive that both its writer and its readers keep to.
 *
 * @module
 */

/** Lines in each piece of the index but the last. */
export const INDEX_PIECE_LINES = 65_536;

/** Small entries share a frame up to this many raw bytes, headers and padding counted: 1 MiB. */
export const GROUP_BYTES = 1 << 20;

/** The raw bytes of one piece of a larger entry: 2 MiB, the last up to {@linkcode MAX_FRAME_RAW}. */
export const PIECE_BYTES = 2 << 20;

/** The most raw bytes in a frame that a reader accepts: 4 MiB. */
export const MAX_FRAME_RAW = 4 << 20;

/** The longest manifest, index piece, header or RESTORE.md: 64 MiB. */
export const MAX_DOCUMENT_BYTES = 64 << 20;

/** A buffer for one piece: a last piece takes up to 1 MiB more than the others. */
export const PIECE_BUFFER_BYTES = PIECE_BYTES + GROUP_BYTES;

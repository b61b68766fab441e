/**
 * Bounds on what a backup source may have on its way. Core copies a piece as soon as it takes it, and gives its buffer back
 * at once: so connections that fill their parts side by side never wait for each other.
 *
 * @module
 */

/** Buffers that may be on their way: enough that the source reads on while core is busy. */
export const SOURCE_WINDOW = 8;

/** Entries that may be open at a time, each with one buffer that was handed out before the window was full. */
export const MAX_OPEN_ENTRIES = 64;

/** Events of a source that may wait unread. */
export const MAX_SOURCE_EVENTS = 1 << 18;

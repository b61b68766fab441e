/**
 * How long the host waits for a plugin. A Worker that answers nothing at all is found sooner, by the heartbeat; a
 * job's own `timeout` may be shorter.
 *
 * @module
 */
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Calls that move or check a whole database: `backup`, `write`, `put`, `commit`. */
export const LONG_DEADLINE = 7 * DAY;

/** Disposing a source or a target: rolling back, removing temporary files. */
export const DISPOSE_DEADLINE = 2 * MINUTE;

/** What a Worker gets at least to clean up, however long ago the operation was cancelled. */
export const MIN_CLEAN_UP = 500;

/** The longest silence that a plugin may announce for a synchronous call. */
export const MAX_BLOCKING = 2 * DAY;

/** What {@linkcode WorkerHost} can be told, in milliseconds. Tests make it short. */
export interface HostDeadlines {
  /** From starting the Worker to the opened service. */
  readonly open: number;
  /** For calls that ask something small: `inspect`, `stat`, `remove`, one batch of a list. */
  readonly answer: number;
  /** Silence after which a Worker counts as hung. */
  readonly silence: number;
  /** For closing the service, and for all cleaning up once the operation was cancelled; then the Worker is ended. */
  readonly close: number;
  /** For the next piece of a store's object, in either direction. */
  readonly stall: number;
}

/** What holds unless the host is told otherwise. */
export const defaultDeadlines: HostDeadlines = {
  open: MINUTE,
  answer: 10 * MINUTE,
  silence: MINUTE,
  close: 5_000,
  stall: 30 * MINUTE,
};

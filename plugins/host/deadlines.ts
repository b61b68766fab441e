/**
 * How long the host waits for a plugin. A Worker that answers nothing at all is found sooner, by the heartbeat; a
 * job's own `timeout` may be shorter.
 *
 * @module
 */
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Calls that ask something small: `stat`, `remove`, one batch of a list, `plan`. */
export const SHORT_DEADLINE = 10 * MINUTE;

/** Calls that move or check a whole database: `backup`, `write`, `put`, `commit`. */
export const LONG_DEADLINE = 7 * DAY;

/** Disposing a source or a target: rolling back, removing temporary files. */
export const DISPOSE_DEADLINE = 2 * MINUTE;

/** The longest silence that a plugin may announce for a synchronous call. */
export const MAX_BLOCKING = 2 * DAY;

/** What {@linkcode WorkerHost} can be told, in milliseconds. Tests make it short. */
export interface HostDeadlines {
  /** From starting the Worker to the opened service. */
  readonly open: number;
  /** Silence after which a Worker counts as hung. */
  readonly silence: number;
  /** For closing the service, after which the Worker is ended anyway. */
  readonly close: number;
  /** For the next piece of a store's object, in either direction. */
  readonly stall: number;
}

/** What holds unless the host is told otherwise. */
export const defaultDeadlines: HostDeadlines = {
  open: MINUTE,
  silence: MINUTE,
  close: 5_000,
  stall: 30 * MINUTE,
};

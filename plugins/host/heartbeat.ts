/** Silence is counted in this many beats, so that a machine that slept is not taken for a plugin that hung. */
const BEATS = 6;

/** What a {@linkcode Heartbeat} listens to. */
export interface Pulse {
  /** Asks for a sign of life. */
  ping(): void;
  /** How many messages came so far. */
  received(): number;
  /** Told once, when nothing came for too long. */
  silent(): void;
}

/** Watches that a Worker answers. */
export class Heartbeat {
  readonly #interval: number;
  readonly #pulse: Pulse;
  readonly #timer: ReturnType<typeof setInterval>;
  #heard = 0;
  #missed = 0;
  #allowed = BEATS;

  /** @param silence Milliseconds without a message after which the Worker counts as silent. */
  constructor(silence: number, pulse: Pulse) {
    this.#interval = silence / BEATS;
    this.#pulse = pulse;
    this.#timer = setInterval(() => this.#beat(), this.#interval);
  }

  /** Allows one longer silence from now on, in milliseconds; 0 ends it. */
  expect(silence: number): void {
    this.#allowed = BEATS + Math.ceil(silence / this.#interval);
    this.#missed = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const received = this.#pulse.received();
    this.#missed = received === this.#heard ? this.#missed + 1 : 0;
    this.#heard = received;
    if (this.#missed < this.#allowed) return this.#pulse.ping();
    this.stop();
    this.#pulse.silent();
  }
}

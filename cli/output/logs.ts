import {
  configure,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogLevel,
} from "@logtape/logtape";
import type { VaultraEvent } from "../../core/events.ts";

/** Levels that `--log-level` takes. */
export const logLevels = ["debug", "info", "warn", "error", "off"] as const;

/** How logs are written. */
export interface LogOptions {
  readonly level: (typeof logLevels)[number];
  readonly format: "text" | "json";
  /** Writes one line to standard error. */
  readonly write: (line: string) => void;
  /** Masks known secrets. */
  readonly redact: (text: string) => string;
}

/** Sends Vaultra's log to standard error, as text or as JSON lines. */
export async function configureLogs(options: LogOptions): Promise<void> {
  const format = options.format === "json"
    ? getJsonLinesFormatter()
    : getTextFormatter({ timestamp: "rfc3339" });
  const lowest: LogLevel | null = options.level === "off"
    ? null
    : options.level === "warn"
    ? "warning"
    : options.level;
  await configure({
    reset: true,
    sinks: { stderr: (record) => options.write(options.redact(format(record)).trimEnd()) },
    loggers: [
      { category: ["vaultra"], sinks: ["stderr"], lowestLevel: lowest },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  });
}

/** Writes an operation's log event. */
export function logEvent(event: Extract<VaultraEvent, { type: "log" }>): void {
  const logger = getLogger(["vaultra", ...event.source.split(".")]);
  const fields = { ...event.fields };
  if (event.level === "debug") logger.debug(event.message, fields);
  else if (event.level === "info") logger.info(event.message, fields);
  else logger.warn(event.message, fields);
}

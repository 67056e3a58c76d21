/** Where log lines go. The default writes JSON lines by pino; anything with these five methods will do. */
export interface Logger {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger
}

/** Fields of a line. An `error` field is printed with its stack; secrets are masked by name before anything is written. */
export type LogFields = Readonly<Record<string, unknown>>

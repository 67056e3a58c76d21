/** What the program ends with. */
export const exitCodes = {
  ok: 0,
  /** It failed, or found something that must be mended. */
  failed: 1,
  /** The command line was wrong; nothing was done. */
  usage: 2,
  /** Ctrl-C. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

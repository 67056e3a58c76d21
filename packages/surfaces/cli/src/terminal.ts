/** What a command may do with the world around it; a test hands in its own. */
export interface Terminal {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Data: what is asked for, and what a pipe reads. */
  readonly out: (text: string) => void
  /** Words: progress, faults, questions. */
  readonly err: (text: string) => void
  /** Is somebody looking at the words? Then a line may be written over. */
  readonly isLive: boolean
  /** May words be coloured (a terminal, and no NO_COLOR)? */
  readonly hasColor: boolean
  /** Asks for yes or no; undefined where nobody can answer. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined
  /**
   * Asks for a line; hidden, what is typed is not shown. It gives undefined where the input ends. Undefined itself where nobody can
   * answer.
   */
  readonly ask: ((question: string, options: { readonly hidden: boolean }) => Promise<string | undefined>) | undefined
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal
}

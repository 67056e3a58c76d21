/**
 * The statements that one connection has prepared. Those of several callers are sent behind each other: the second one with a new text,
 * sent before the server has answered the first, would be prepared once more under another name, and kept for ever (26 KB each).
 */
export class PreparedTexts {
  readonly #known = new Set<string>()
  readonly #first = new Map<string, Promise<unknown>>()

  /** Runs a statement of this text; one that comes while the first of them is on its way waits for it. */
  run<T>(text: string, run: () => Promise<T>): Promise<T> {
    return this.#known.has(text) ? run() : this.#runFirst(text, run)
  }

  async #runFirst<T>(text: string, run: () => Promise<T>): Promise<T> {
    for (let first = this.#first.get(text); first; first = this.#first.get(text)) await first
    if (this.#known.has(text)) return run()
    const answer = run()
    this.#first.set(
      text,
      answer.then(
        () => this.#known.add(text),
        () => undefined,
      ),
    )
    try {
      return await answer
    } finally {
      this.#first.delete(text)
    }
  }
}

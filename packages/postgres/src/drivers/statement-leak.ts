import type { Sql } from 'postgres'

let stopped = false

/**
 * postgres.js 3.4.9 remembers, for its own error messages, where each template string was written, in a Map that is never
 * emptied. It does so for `unsafe` too, with a key made per statement, so every failed statement leaks about 80 bytes (5 MB
 * after 60,000; 0 with this): whoever can cause unique violations can fill the memory. What is remembered is an empty text,
 * and this returns the same one without remembering it. Once per process: all clients share the class of statements.
 */
export function stopStatementLeak(client: Sql): void {
  if (stopped) return
  stopped = true
  const prototype: object = Object.getPrototypeOf(client.unsafe(''))
  const original = Object.getOwnPropertyDescriptor(prototype, 'origin')
  if (!original) return
  Object.defineProperty(prototype, 'origin', {
    configurable: true,
    get(this: { readonly tagged: boolean; readonly handler: { readonly debug?: unknown } }): unknown {
      return this.tagged || this.handler.debug ? original.get?.call(this) : ''
    },
  })
}

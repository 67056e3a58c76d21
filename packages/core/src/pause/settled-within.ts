/** Waits until all are settled, and no longer than so many milliseconds. */
export async function settledWithin(milliseconds: number, all: ReadonlySet<Promise<unknown>>): Promise<void> {
  if (all.size === 0) return
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, milliseconds)
  await Promise.race([Promise.allSettled(all), late])
  clearTimeout(timer)
}

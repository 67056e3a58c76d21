/**
 * Waits for work that ends by itself after its signal; it has `milliseconds` from then on. What hangs must not keep the process until it is
 * killed.
 */
export async function untilLeft(work: Promise<void>, signal: AbortSignal, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let begin = (): void => undefined
  const late = new Promise<never>((_, reject) => {
    begin = () =>
      (timer = setTimeout(() => reject(new Error(`it did not end within ${milliseconds} ms`)), milliseconds))
  })
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin, { once: true })
  try {
    await Promise.race([work, late])
  } finally {
    signal.removeEventListener('abort', begin)
    clearTimeout(timer)
  }
}

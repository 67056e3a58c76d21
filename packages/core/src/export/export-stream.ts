/** One batch of an export, printed. */
export interface Batch {
  readonly text: string
  readonly rows: number
  readonly last: boolean
}

export interface ExportStreamParts {
  /** The first batch: read before the answer begins, so that what is refused is refused with a status. */
  readonly first: Batch
  readonly next: () => Promise<Batch>
  /** What is sent of a failure, before the connection is given up; undefined where the format has no place for it. */
  readonly failure: ((error: unknown) => string) | undefined
  /** Milliseconds that a reader may leave the next batch unread. */
  readonly idle: number
  /** Called once, however it ends. */
  readonly onEnd: (outcome: { readonly rows: number; readonly error?: unknown; readonly aborted: boolean }) => void
}

/** Servers print what breaks a stream; the cause, which may quote rows, is in the log alone. */
const brokenOff = (): Error => new Error('the export broke off; the log has the cause')

const encoder = new TextEncoder()

/**
 * An export as a stream that reads the next batch when the reader has taken the one before. A reader who stops holds no
 * connection and no lock, only one batch of text, and that not for ever.
 *
 * A failure in the middle ends the stream with an error: the server then breaks the connection off, and the client sees an
 * answer that was not finished. An ordinary end would pass half of the rows for all of them.
 */
export function exportStream(parts: ExportStreamParts): ReadableStream<Uint8Array> {
  let batch: Batch | undefined = parts.first
  let rows = 0
  let failed: { readonly error: unknown } | undefined
  let ended = false
  let timer: NodeJS.Timeout | undefined
  const end = (outcome: { readonly error?: unknown; readonly aborted: boolean }): void => {
    clearTimeout(timer)
    if (ended) return
    ended = true
    parts.onEnd({ rows, ...outcome })
  }
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      const error = new Error(`the reader took nothing for ${parts.idle} ms`)
      end({ error, aborted: true })
      controller.error(error)
    }, parts.idle)
    timer.unref()
  }
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(controller) {
        clearTimeout(timer)
        if (failed) {
          end({ error: failed.error, aborted: false })
          return controller.error(brokenOff())
        }
        try {
          batch ??= await parts.next()
        } catch (error) {
          if (ended) return
          failed = { error }
          // Errored at once, what is queued would be thrown away with the stream; the next pull does it.
          if (parts.failure) return controller.enqueue(encoder.encode(parts.failure(error)))
          end({ error, aborted: false })
          return controller.error(brokenOff())
        }
        if (ended) return
        const { text, last } = batch
        rows += batch.rows
        batch = undefined
        if (text !== '') controller.enqueue(encoder.encode(text))
        if (last) {
          end({ aborted: false })
          return controller.close()
        }
        watch(controller)
        return undefined
      },
      cancel: () => end({ aborted: true }),
    },
    // Nothing is read ahead of the reader.
    { highWaterMark: 0 },
  )
}

import { Readable } from 'node:stream'

interface Progress {
  readonly onRead: () => void
  readonly onEnd: () => void
  readonly onCancel: () => void
}

/**
 * A body as a web stream that takes one chunk from the socket for each one that is asked for. `Readable.toWeb` would destroy the
 * socket when it is cancelled, and with it the answer that says why (413).
 */
export function streamOf(source: Readable | Uint8Array, progress: Progress): ReadableStream<Uint8Array<ArrayBuffer>> {
  if (!(source instanceof Readable)) {
    return new ReadableStream({
      pull(controller) {
        progress.onEnd()
        controller.enqueue(Uint8Array.from(source))
        controller.close()
      },
    })
  }
  let stop = (): void => undefined
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        const settle = (last: () => void): void => {
          stop()
          last()
        }
        const onData = (chunk: Buffer<ArrayBuffer>): void => {
          source.pause()
          controller.enqueue(chunk)
        }
        const onEnd = (): void => settle(() => (progress.onEnd(), controller.close()))
        const onError = (error: unknown): void => settle(() => controller.error(error))
        const onClose = (): void => settle(() => controller.error(new Error('the client hung up')))
        source.on('end', onEnd).on('error', onError).on('close', onClose)
        source.on('data', onData).pause()
        stop = () => void source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      },
      pull() {
        progress.onRead()
        source.resume()
      },
      cancel() {
        progress.onCancel()
        stop()
        source.pause()
      },
    },
    { highWaterMark: 0 },
  )
}

import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { callbackify } from 'node:util'
import { problem } from '@plinth/core'

const CHUNK = 65_536

/** What was written, in a file without a name. Whoever has it closes it. */
export interface Spooled<T> {
  readonly file: FileHandle
  readonly result: T
}

/**
 * Lets something be written into a file that has no name any more: whatever ends this process, nothing of it stays.
 * @param bounds how many bytes it may be, and what ends it early
 * @throws validation_failed for more bytes, unavailable where it was ended, and what `write` throws
 */
export async function spooled<T>(
  bounds: { readonly bytes: number; readonly signal: AbortSignal },
  write: (destination: Writable) => Promise<T>,
): Promise<Spooled<T>> {
  const file = await namelessFile()
  const destination = bounded(file, bounds.bytes)
  // Whoever writes hears of it; unheard, it would end the process.
  destination.on('error', () => undefined)
  let stopped: Error | undefined
  const stop = (): void => {
    const detail = 'The archive took too long, or nobody waited for it.'
    destination.destroy((stopped = problem('unavailable', { detail, cause: bounds.signal.reason })))
  }
  bounds.signal.addEventListener('abort', stop, { once: true })
  if (bounds.signal.aborted) stop()
  try {
    return { file, result: await write(destination) }
  } catch (error) {
    destination.destroy()
    await file.close()
    throw stopped ?? error
  } finally {
    bounds.signal.removeEventListener('abort', stop)
  }
}

async function namelessFile(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-export-'))
  try {
    return await open(join(folder, 'archive'), 'wx+', 0o600)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One tenant must not fill the disk of all. */
function bounded(file: FileHandle, most: number): Writable {
  let bytes = 0
  const keep = callbackify(async (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > most)
      throw problem('validation_failed', {
        detail: `The archive is larger than ${most} bytes. The operator has the command plinth tenant:export for it.`,
      })
    await file.writeFile(chunk)
  })
  return new Writable({ write: (chunk: Buffer, _, done) => keep(chunk, done) })
}

export interface Reading {
  /** Milliseconds that the reader may leave the next part unread. */
  readonly idle: number
  /** Milliseconds that he may take in all: a byte now and then would keep the file for days. */
  readonly most: number
  /** Called once, however it ends. */
  readonly onEnd: () => void
}

/** The file from its beginning, as its reader takes it. It is closed at the end. */
export function streamOf(file: FileHandle, { idle, most, onEnd }: Reading): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout | undefined
  let deadline: NodeJS.Timeout | undefined
  let position = 0
  let ended = false
  const end = async (): Promise<void> => {
    if (ended) return
    ended = true
    clearTimeout(timer)
    clearTimeout(deadline)
    onEnd()
    await file.close()
  }
  const after = (controller: ReadableStreamDefaultController<Uint8Array>, wait: number, why: string): NodeJS.Timeout =>
    setTimeout(() => {
      controller.error(new Error(`${why} ${wait} ms`))
      void end()
    }, wait).unref()
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    clearTimeout(timer)
    timer = after(controller, idle, 'the reader took nothing for')
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        deadline = after(controller, most, 'the reader took longer than')
        watch(controller)
      },
      async pull(controller) {
        clearTimeout(timer)
        const read = await file.read(new Uint8Array(CHUNK), 0, CHUNK, position).catch(async (error: unknown) => {
          await end()
          throw error
        })
        if (ended) return undefined
        position += read.bytesRead
        if (read.bytesRead > 0) {
          controller.enqueue(read.buffer.subarray(0, read.bytesRead))
          return watch(controller)
        }
        controller.close()
        return end()
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  )
}

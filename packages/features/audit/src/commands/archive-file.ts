import { problem } from '@plinth/core'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { ForeignCheckpoints, verifyArchive, type ArchiveTrust, type ArchiveVerdict } from '../verify/verify-archive.ts'

/**
 * The lines of a file, as it is read. Node's `readline` ends a line at U+2028 and U+2029 as well, which JSON has in a text as they are: an archive
 * with one of them in a name would be no archive.
 */
export async function* linesOf(file: string): AsyncGenerator<string> {
  let begun = ''
  for await (const chunk of createReadStream(resolve(file), 'utf8')) {
    const lines = (chunk as string).split('\n')
    lines[0] = begun + lines[0]!
    begun = lines.pop()!
    // Some programs end lines with two characters; JSON has this one in no text.
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line
  }
  if (begun !== '') yield begun
}

/** @throws validation_failed for what is no archive, or cannot be read */
export async function verifyFile(file: string, trust: ArchiveTrust): Promise<ArchiveVerdict> {
  try {
    return await verifyArchive(linesOf(file), trust)
  } catch (error) {
    const path = error instanceof ForeignCheckpoints ? '--checkpoint' : '--file'
    throw refuse(path, error instanceof Error ? error.message : String(error))
  }
}

export function refuse(path: string, message: string): Error {
  return problem('validation_failed', { errors: [{ path, code: 'invalid', message }] })
}

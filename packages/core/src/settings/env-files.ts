import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { StartupFault } from '../errors/startup-error.ts'

/** Where texts come from: the environment of the process, or one file. */
export interface Source {
  /** Undefined for the environment of the process. */
  readonly file?: string
  readonly values: Readonly<Record<string, string | undefined>>
  /** Names whose value was cut at a `#` that stood right behind a character. */
  readonly cut: ReadonlySet<string>
}

/**
 * Reads one file of `NAME=value` lines by Node's own parser: comments, quotes, `export`, several lines in quotes; no
 * `$NAME` is replaced. A file that does not exist is an empty one; one that cannot be read is a fault.
 */
export function readEnvFile(folder: string, file: string, faults: StartupFault[]): Source {
  try {
    return parseEnvText(readFileSync(join(folder, file), 'utf8'), file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      faults.push({
        path: file,
        problem: `cannot be read (${code})`,
        fix: `make it a file this user may read: chmod 600 ${file}`,
      })
    }
    return { file, values: {}, cut: new Set() }
  }
}

/** The first name of a file written by some editors would else be '\uFEFFPORT', which nothing reads. */
const byteOrderMark = /^\uFEFF/
// Node's parser ends an unquoted value at any '#': DATABASE_URL=postgres://u:p#w@host/db becomes postgres://u:p, in silence.
const cutLine = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(?!["'`])[^\s#]+#/gm

export function parseEnvText(text: string, file: string): Source {
  const clean = text.replace(byteOrderMark, '')
  const cut = new Set([...clean.matchAll(cutLine)].map((match) => match[1] ?? ''))
  return { file, values: parseEnv(clean), cut }
}

/** The environment of the process, or a stand-in. */
export function environmentSource(values: Readonly<Record<string, string | undefined>>): Source {
  return { values, cut: new Set() }
}

/** Trimmed, and undefined where nothing is left: `PORT= ` in a compose file means that nobody set it. */
export function textIn(source: Source, name: string): string | undefined {
  const text = source.values[name]?.trim()
  return text === '' ? undefined : text
}

/**
 * `NAME=value` as {@link parseEnvText} reads it back, quoted where it must be.
 * @returns undefined where no quoting can hold the value (all three kinds of quotes in one text)
 */
export function envLine(name: string, value: string): string | undefined {
  if (/^[\w./:@,+*?&=%~[\]-]*$/.test(value)) return `${name}=${value}`
  // Double quotes come last: in them, Node turns \n into a line break.
  const quote = ["'", '`', '"'].find((mark) => !value.includes(mark) && (mark !== '"' || !value.includes('\\')))
  return quote === undefined ? undefined : `${name}=${quote}${value}${quote}`
}

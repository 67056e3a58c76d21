import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { loadSettings, platformSettings } from '@plinth/core'
import { UsageError } from '../cli-error.ts'
import type { Command, CommandCall } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { refuseFolder } from '../keys/refuse-folder.ts'
import {
  signingAlgorithms,
  signingKeyFiles,
  writeSigningKey,
  type SigningAlgorithm,
  type WrittenKey,
} from '../keys/signing-key-file.ts'

export const keysGenerate: Command = {
  name: 'keys:generate',
  summary: 'make the keys of a deployment: one that signs access tokens, and a line for SECRET_KEYS',
  details: `Writes <unix seconds>-<kid>.pem (0600) into the folder; where there is a key already it writes none, unless --rotate
asks for a newer one. Nothing is ever written over. The secret is shown with --secret only, and kept nowhere.`,
  options: {
    algorithm: { type: 'string', value: 'name', description: `${signingAlgorithms.join(', ')}; default RS256` },
    dir: { type: 'string', value: 'folder', description: 'default: JWT_KEYS_DIR, else ./keys' },
    rotate: { type: 'boolean', description: 'add a key where there is one; running servers take it up' },
    secret: { type: 'boolean', description: 'print a new SECRET_KEYS line on standard output' },
  },
  run(call) {
    const { terminal, json, printJson, text, flag } = call
    const algorithm = readAlgorithm(text('algorithm'))
    const shown = text('dir') ?? folderOfSettings(call)
    const folder = resolve(terminal.cwd, shown)
    const now = Math.floor(Date.now() / 1_000)
    refuseFolder(folder, shown, terminal)
    const kept = signingKeyFiles(folder)
    const written = kept.length === 0 || flag('rotate') ? writeSigningKey(folder, algorithm, now) : undefined
    const secretKeys = flag('secret') ? newSecret(now) : undefined
    if (json)
      printJson({
        ok: true,
        dir: shown,
        written: written ? [{ ...written, algorithm }] : [],
        kept,
        ...(secretKeys !== undefined && { secretKeys }),
      })
    else if (secretKeys !== undefined) terminal.out(`SECRET_KEYS=${secretKeys}\n`)
    tell(call, { algorithm, shown, kept, written, hasSecret: secretKeys !== undefined })
    return Promise.resolve(exitCodes.ok)
  },
}

function readAlgorithm(text = 'RS256'): SigningAlgorithm {
  const found = signingAlgorithms.find((one) => one.toLowerCase() === text.toLowerCase())
  if (!found) throw new UsageError(`--algorithm takes ${signingAlgorithms.join(', ')}, not '${text}'.`)
  return found
}

/** As the server reads it: from the environment and the `.env` files of this folder. */
function folderOfSettings({ terminal }: CommandCall): string {
  const definition = {
    JWT_KEYS_DIR: {
      schema: platformSettings.DATA_DIR.schema,
      default: './keys',
      description: 'Folder of the keys that sign access tokens.',
    },
  }
  return loadSettings(definition, { env: terminal.env, files: terminal.cwd }).JWT_KEYS_DIR
}

/** `kid:base64` of 32 random bytes. The name holds the time, so that a key put before older ones has another name. */
function newSecret(now: number): string {
  return `k${now.toString(36)}:${randomBytes(32).toString('base64')}`
}

interface Made {
  readonly algorithm: SigningAlgorithm
  readonly shown: string
  readonly kept: readonly string[]
  readonly written: WrittenKey | undefined
  readonly hasSecret: boolean
}

function tell({ terminal, style }: CommandCall, { algorithm, shown, kept, written, hasSecret }: Made): void {
  const keys = `${kept.length} ${kept.length === 1 ? 'key' : 'keys'}`
  if (!written) terminal.err(`${shown} has ${keys}; nothing was written. --rotate adds a newer one.\n`)
  else {
    terminal.err(`${style.green('Wrote')} ${shown}/${written.file} (${algorithm}).\n`)
    if (kept.length > 0)
      terminal.err(
        `Servers sign with it a minute from now. Remove older files when the last token of theirs is over; until then they are needed.\n`,
      )
  }
  terminal.err(
    hasSecret
      ? 'Where SECRET_KEYS is set already, put the new key before the others, with a comma: the first one seals, the others open.\n'
      : 'For SECRET_KEYS: plinth keys:generate --secret\n',
  )
}

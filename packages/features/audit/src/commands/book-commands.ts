import { problem, type FeatureCommand } from '@plinth/core'
import { createWriteStream } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Sealer } from '../seal/sealer.ts'
import { archiveLines } from '../verify/archive.ts'
import { readCheckpoint, type CheckpointFile, type ReadCheckpoint } from '../verify/checkpoint.ts'
import { brokenLog, wordsOf } from '../verify/last-checkpoint.ts'
import { chainsOf } from '../verify/read-chain.ts'
import { ForeignCheckpoints } from '../verify/verify-archive.ts'
import { takeCheckpoints, verifyAndTell } from '../verify/verify-book.ts'
import { refuse, verifyFile } from './archive-file.ts'
import { chainOf } from './chain-of.ts'
import { tellCommand } from './tell-command.ts'

const tenantOption = {
  type: 'string',
  description: 'its slug or id; `platform` for what belongs to no tenant; without it, all',
} as const

/** `plinth audit:checkpoint`, `audit:verify`, `audit:archive`. */
export function bookCommands(sealer: () => Sealer): readonly FeatureCommand[] {
  return [
    {
      name: 'audit:checkpoint',
      summary: 'sign what the audit logs are now, to be kept outside of the database',
      options: {
        tenant: tenantOption,
        out: { type: 'string', description: 'the file to write; without it, it is printed' },
      },
      async run(platform, options) {
        const tenant = options['tenant']
        const chains = tenant === undefined ? undefined : [await chainOf(platform, String(tenant))]
        const out = options['out'] === undefined ? undefined : resolve(String(options['out']))
        if (out !== undefined) await refuseExisting(out)
        const { file, broken } = await takeCheckpoints(platform, sealer(), chains)
        for (const { tenant: log, verdict } of broken) {
          const { valid, entries, firstBad = null } = verdict
          await tellCommand(platform, 'auditLog.verified', log, { valid, entries, firstBad })
        }
        if (file.checkpoints.length > 0) await tellCommand(platform, 'auditLog.signed', chains?.[0])
        const words = broken.map(({ tenant, verdict }) => wordsOf(tenant, verdict))
        if (out === undefined) {
          if (words.length > 0) throw brokenLog(words)
          return { checkpoints: file.checkpoints, keys: file.keys.map((key) => JSON.stringify(key)) }
        }
        // Whoever breaks one log must not keep all others from being signed.
        if (words.length === 0 || file.checkpoints.length > 0)
          await writeFile(out, `${JSON.stringify(file, null, 2)}\n`, { flag: 'wx' })
        if (words.length > 0)
          throw brokenLog(words, file.checkpoints.length > 0 ? ` The other logs are signed, in ${out}.` : '')
        return { file: out, chains: file.checkpoints.length }
      },
    },
    {
      name: 'audit:verify',
      summary: 'read whole audit logs and say whether they are as they were written',
      options: {
        tenant: tenantOption,
        checkpoint: { type: 'string', description: 'a file of audit:checkpoint: nothing may have changed since' },
        file: { type: 'string', description: 'a file of audit:archive, in the place of the database' },
      },
      async run(platform, options) {
        const known =
          options['checkpoint'] === undefined ? undefined : await readCheckpoints(String(options['checkpoint']))
        const tenant = options['tenant']
        const asked = tenant === undefined ? undefined : await chainOf(platform, String(tenant))
        if (options['file'] !== undefined) {
          const verdict = await verifyFile(String(options['file']), { checkpoints: known?.read, keys: known?.keys })
          if (asked !== undefined && asked !== verdict.tenant)
            throw refuse('--file', `is an archive of ${verdict.tenant}, and of no other log`)
          if (!verdict.valid) throw brokenLog([wordsOf(verdict.tenant, verdict)])
          return { tenant: verdict.tenant, entries: verdict.entries, valid: true }
        }
        const remembered = new Set(known?.read.map((one) => one.tenant))
        if (known && asked !== undefined && !remembered.has(asked))
          throw refuse('--checkpoint', new ForeignCheckpoints(asked).message)
        const chains =
          asked === undefined ? [...new Set([...(await chainsOf(platform.database)), ...remembered])] : [asked]
        const bad: string[] = []
        let entries = 0
        for (const chain of chains) {
          const verdict = await verifyAndTell(platform, sealer(), chain, known?.read)
          entries += verdict.entries
          if (!verdict.valid) bad.push(wordsOf(chain, verdict))
        }
        const verdict = { valid: bad.length === 0, chains: chains.length, entries }
        await tellCommand(platform, 'auditLog.verified', asked, verdict)
        if (bad.length > 0) throw brokenLog(bad)
        // Of these nothing but what is in the database was asked: their ends can be cut off.
        const withoutCheckpoint = known ? chains.filter((chain) => !remembered.has(chain)) : []
        return { chains: chains.length, entries, valid: true, ...(known && { withoutCheckpoint }) }
      },
    },
    {
      name: 'audit:archive',
      summary: 'write the audit log of one tenant into a file that verifies without the database',
      options: {
        tenant: { ...tenantOption, description: 'its slug or id, or `platform`', required: true },
        out: { type: 'string', description: 'the file to write; there must be none yet', required: true },
      },
      async run(platform, options) {
        const out = resolve(String(options['out']))
        await refuseExisting(out)
        const chain = await chainOf(platform, String(options['tenant']))
        await tellCommand(platform, 'auditLog.exported', chain, { format: 'archive' })
        let entries = -2
        const lines = async function* (): AsyncGenerator<string> {
          for await (const text of archiveLines(platform, sealer(), chain)) {
            entries += text.split('\n').length
            yield `${text}\n`
          }
        }
        try {
          await pipeline(Readable.from(lines()), createWriteStream(out, { flags: 'wx', mode: 0o600 }))
        } catch (error) {
          await rm(out, { force: true })
          throw error
        }
        return { file: out, tenant: chain, entries }
      },
    },
  ]
}

async function refuseExisting(file: string): Promise<void> {
  if (await stat(file).catch(() => undefined))
    throw problem('already_exists', { detail: `${file} is there already, and nothing is written over.` })
}

interface ReadCheckpoints {
  readonly read: readonly ReadCheckpoint[]
  readonly keys: CheckpointFile['keys']
}

/** @throws validation_failed for a file that is none, or that was not signed by its keys */
async function readCheckpoints(file: string): Promise<ReadCheckpoints> {
  const refused = (message: string): Error => refuse('--checkpoint', message)
  let given: CheckpointFile
  try {
    given = JSON.parse(await readFile(resolve(file), 'utf8')) as CheckpointFile
  } catch (error) {
    throw refused(`cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!Array.isArray(given.checkpoints) || !Array.isArray(given.keys)) throw refused('is no file of audit:checkpoint')
  const read = given.checkpoints.map((one) => readCheckpoint(one, given.keys))
  const right = read.filter((one) => one !== undefined)
  if (right.length < read.length) throw refused('holds a checkpoint that none of its keys has signed')
  if (right.length === 0) throw refused('holds no checkpoint')
  return { read: right, keys: given.keys }
}

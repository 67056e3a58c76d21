import type { Platform } from '@plinth/core'
import { Arrival, type ArrivalOptions } from './arrival.ts'
import { archiveInvalid } from './format.ts'
import { cipherFor, type ArchiveCipher } from './passphrase.ts'
import { readArchive, type ArchiveSource } from './read-archive.ts'

export interface ImportOptions extends ArrivalOptions {
  /** The one that it was exported with. Without it secrets are left out, and told. */
  readonly passphrase?: string | undefined
}

export interface ImportReport {
  readonly tenant: { readonly id: string; readonly slug: string; readonly name: string }
  readonly dryRun: boolean
  readonly tables: number
  readonly rows: number
  readonly usersCreated: number
  readonly usersMatched: number
  /** Ids of the archive that are others here: of users, and of the tenant where it got a new one. */
  readonly mapped: Readonly<Record<string, string>>
  /** What is not as it was, in words. */
  readonly notes: readonly string[]
}

/** Ends a transaction whose work was tried and shall not last. */
class TakenBack extends Error {
  override readonly name = 'TakenBack'
  readonly report: ImportReport

  constructor(report: ImportReport) {
    super('a dry run')
    this.report = report
  }
}

/**
 * Brings the tenant of an archive to this platform, in one transaction: a failure, or an end of the process, leaves nothing. The
 * archive is read to its end and its digests are compared before anything is written. Every row is written as one of the new
 * tenant, whatever the archive says; hooks and rules of resources are not asked, the rules of the database are.
 * @throws archive_invalid, already_exists where slug or id are taken, validation_failed where the database refuses a row
 */
export async function importTenant(
  platform: Platform,
  source: ArchiveSource,
  options: ImportOptions = {},
): Promise<ImportReport> {
  let cipher: ArchiveCipher | undefined
  for await (const part of readArchive(source)) {
    if (part.kind !== 'head' || options.passphrase === undefined) continue
    if (part.exported.passphrase === null)
      throw archiveInvalid('The archive was exported without a passphrase: there are no secrets in it.')
    cipher = await cipherFor(options.passphrase, part.exported.passphrase)
  }
  try {
    return await platform.database.system(async (system) => {
      const report = await new Arrival(platform, system, source, options, cipher).run()
      if (options.dryRun === true) throw new TakenBack(report)
      return report
    })
  } catch (error) {
    if (error instanceof TakenBack) return error.report
    throw error
  }
}

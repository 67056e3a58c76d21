import { resolve } from 'node:path'
import { logEvents, platformLogger, type Plinth } from '@plinth/core'
import { chooseDatabase, refuseTrouble } from './database.ts'
import { greeting } from './greeting.ts'
import { claim, listen } from './listen.ts'
import { agencies, createLookout } from './platform.ts'
import { lookoutApp } from './server.ts'
import { readServiceTokens } from './service-tokens-file.ts'
import { loadLookoutSettings } from './settings.ts'

/**
 * Starts Lookout from the variables of this process: database, agencies, server; prints what is up.
 * @returns what stops it
 * @throws StartupError, StartError
 */
export async function startLookout(print: (text: string) => void): Promise<() => Promise<void>> {
  const settings = loadLookoutSettings()
  const place = { host: settings.API_HOST, port: settings.PORT }
  await claim(place)
  const dataDir = resolve(settings.DATA_DIR)
  const chosen = chooseDatabase(settings)
  const tokens = readServiceTokens(
    dataDir,
    agencies.map(({ slug }) => slug),
  )
  // Standard output is for people: the greeting must not drown in the log.
  const log = platformLogger(settings, { name: 'lookout', destination: process.stderr })
  const plinth = createLookout({ settings, database: chosen.database, tokens, log })
  try {
    if (chosen.isNew) print('Making the embedded database (once, about ten seconds) …\n')
    await prepare(plinth).catch((error: unknown) => refuseTrouble(error))
    const listening = await listen(lookoutApp(plinth).fetch, place)
    log.info(logEvents.applicationStarted, { origin: listening.origin })
    print(greeting({ settings, url: `${listening.origin}${plinth.basePath}`, database: chosen.words, tokens }))
    return async () => {
      log.info(logEvents.applicationShuttingDown)
      await listening.stop()
      await plinth.close()
      log.info(logEvents.applicationStopped)
    }
  } catch (error) {
    await plinth.close()
    throw error
  }
}

async function prepare(plinth: Plinth): Promise<void> {
  await plinth.migrate()
  for (const agency of agencies) await plinth.foundTenant(agency)
}

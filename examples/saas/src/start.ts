import { logEvents, platformLogger } from '@plinth/core'
import { smtp } from '@plinth/smtp'
import { chooseDatabase, refuseTrouble } from './database.ts'
import { greeting } from './greeting.ts'
import { claim, listen } from './listen.ts'
import { createLookout } from './platform.ts'
import { lookoutApp } from './server.ts'
import { loadLookoutSettings, type LookoutSettings } from './settings.ts'

/**
 * Starts Lookout from the variables of this process: database, server; prints what is up.
 * @returns what stops it
 * @throws StartupError, StartError
 */
export async function startLookout(print: (text: string) => void): Promise<() => Promise<void>> {
  const settings = loadLookoutSettings()
  const place = { host: settings.API_HOST, port: settings.PORT }
  await claim(place)
  const chosen = chooseDatabase(settings)
  const mailer = smtp()
  // Standard output is for people: the greeting must not drown in the log.
  const log = platformLogger(settings, { name: 'lookout', destination: process.stderr })
  const plinth = createLookout({ settings, database: chosen.database, mailer, log })
  try {
    if (chosen.isNew) print('Making the embedded database (once, about ten seconds) …\n')
    await plinth.migrate().catch((error: unknown) => refuseTrouble(error))
    // Not before: who cannot open the database is told so in one line, which nothing stands around.
    log.info(logEvents.applicationStarting, { environment: settings.ENVIRONMENT })
    const listening = await listen(lookoutApp(plinth).fetch, place, plinth, {
      delayMs: settings.SHUTDOWN_DELAY * 1_000,
    })
    log.info(logEvents.applicationStarted, { origin: listening.origin })
    print(
      greeting({
        settings,
        url: `${listening.origin}${plinth.basePath}`,
        database: chosen.words,
        mail: mailWords(settings),
      }),
    )
    return async () => {
      log.info(logEvents.applicationShuttingDown)
      await listening.stop()
      log.info(logEvents.applicationStopped)
    }
  } catch (error) {
    await plinth.close()
    throw error
  }
}

/** Without the login that SMTP_URL may hold. */
function mailWords({ SMTP_URL: server }: LookoutSettings): string {
  return server ? `SMTP at ${server.host}:${server.port}` : 'printed here, with their links'
}

// What the command line reads: pnpm --filter @plinth/example-saas exec plinth routes
import { resolve } from 'node:path'
import { platformLogger } from '@plinth/core'
import { chooseDatabase } from './src/database.ts'
import { agencies, createLookout } from './src/platform.ts'
import { readServiceTokens } from './src/service-tokens-file.ts'
import { loadLookoutSettings } from './src/settings.ts'

const settings = loadLookoutSettings()

export const plinth = createLookout({
  settings,
  database: chooseDatabase(settings).database,
  tokens: readServiceTokens(
    resolve(settings.DATA_DIR),
    agencies.map(({ slug }) => slug),
  ),
  log: platformLogger(settings, { name: 'lookout', destination: process.stderr }),
})

// What the command line reads: cd examples/saas && npx plinth routes
import { platformLogger } from '@plinth/core'
import { smtp } from '@plinth/smtp'
import { chooseDatabase } from './src/database.ts'
import { createLookout } from './src/platform.ts'
import { loadLookoutSettings } from './src/settings.ts'

const settings = loadLookoutSettings()

export const plinth = createLookout({
  settings,
  database: chooseDatabase(settings).database,
  mailer: smtp(),
  log: platformLogger(settings, { name: 'lookout', destination: process.stderr }),
})

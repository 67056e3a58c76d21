// Writes .env.example from the settings. `settings.test.ts` fails where somebody changed them and forgot to run this.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { envExample } from '@plinth/core'
import { lookoutSettings } from './settings.ts'

writeFileSync(join(import.meta.dirname, '../.env.example'), envExample(lookoutSettings))

import { readFileSync } from 'node:fs'
import { expect, inject, test } from 'vitest'
import { emptyRegistry, migrate, onPGlite, onServer } from '../../tests/migration-fixture.ts'
import { platformSchema } from './platform-schema.ts'
import { readCatalog } from './read-catalog.ts'

const committed: unknown = JSON.parse(readFileSync(new URL('../../schema/platform.json', import.meta.url), 'utf8'))
const words = 'the migrations make another schema than the committed one. Regenerate it and read the difference: node packages/postgres/scripts/write-schema.ts'

test.each([
  ['PostgreSQL', () => onServer(inject('postgresUrl'), 'plinth_')],
  ['PGlite', onPGlite],
])('a fresh migration on %s makes the committed schema', async (_, open) => {
  const subject = await open()
  try {
    await migrate(subject, emptyRegistry, { appLogin: undefined, systemPassword: undefined })
    expect(platformSchema(await readCatalog(subject.owner)), words).toEqual(committed)
  } finally {
    await subject.close()
  }
})

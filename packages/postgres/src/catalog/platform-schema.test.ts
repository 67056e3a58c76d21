import { readFileSync } from 'node:fs'
import { expect, inject, test } from 'vitest'
import { emptyRegistry, migrate, onPGlite, onServer } from '../../tests/migration-fixture.ts'
import { platformSchema } from './platform-schema.ts'
import { readCatalog } from './read-catalog.ts'

const committed: unknown = JSON.parse(readFileSync(new URL('../../schema/platform.json', import.meta.url), 'utf8'))

// Where this fails, the migrations make another schema than the committed one. Write it anew and read the difference:
//   node packages/postgres/scripts/write-schema.ts
test.each([
  ['PostgreSQL', () => onServer(inject('postgresUrl'), 'plinth_')],
  ['PGlite', onPGlite],
])(
  'a fresh migration on %s makes schema/platform.json (else: node packages/postgres/scripts/write-schema.ts)',
  async (_, open) => {
    const subject = await open()
    try {
      await migrate(subject, emptyRegistry, { appLogin: undefined, systemPassword: undefined })
      const made = platformSchema(await readCatalog(subject.owner))
      expect(made).toEqual(committed)
    } finally {
      await subject.close()
    }
  },
)

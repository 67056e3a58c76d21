import { expect, test } from 'vitest'
import { files, read } from './files.ts'

// On a managed database the login that migrates is no superuser: it may become the owner and {lookup}, and nobody else.
test('no migration becomes a role that the migrating login may not become', () => {
  const migrations = files(/^packages\/.*(\/migrations\/|\/migrations\.ts$)/).filter((file) => !file.includes('.test.'))
  expect(migrations.length).toBeGreaterThan(20)
  const found = migrations.flatMap((file) =>
    (read(file).match(/set (local )?role \S+/gi) ?? [])
      .filter((words) => !/ (\{owner\}|\{lookup\}|none);?$/.test(words))
      .map((words) => `${file}: ${words}`),
  )
  expect(found).toEqual([])
})

import type { Registry } from '@plinth/core'
import { modelsOf } from './known-permissions.ts'
import type { NameModel } from './spelling.ts'

/**
 * What a word for a model stands for on this platform: its name (`apiKey`), the name as types are written (`ApiKey`), the path or the
 * table of its resource (`api-keys`, `api_keys`). A name goes before the others, and what is none of them stays as it is.
 */
export function modelNames({ permissions, resources }: Registry): NameModel {
  const names = new Map<string, string>()
  for (const { name, path, sqlName } of resources) for (const word of [path, sqlName]) names.set(word, name)
  for (const name of modelsOf(permissions)) names.set(name[0]!.toUpperCase() + name.slice(1), name)
  for (const name of modelsOf(permissions)) names.set(name, name)
  return (word) => names.get(word) ?? word
}

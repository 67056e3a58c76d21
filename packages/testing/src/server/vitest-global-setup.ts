import type { TestProject } from 'vitest/node'
import { launchServer } from './launch-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser URL of the PostgreSQL of this run: `inject('postgresUrl')`. */
    postgresUrl: string
  }
}

/** One server for the whole run; each test file clones a database of its own (see `databases.ts`). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await launchServer()
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}

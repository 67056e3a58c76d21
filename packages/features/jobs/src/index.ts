export { jobs } from './jobs.ts'
export type { JobsOptions } from './options.ts'

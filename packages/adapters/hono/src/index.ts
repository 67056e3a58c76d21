export { toHono } from './to-hono.ts'
export { plinthGuards } from './plinth-guards.ts'
export type { PlinthEnv, PlinthGuards } from './plinth-guards.ts'

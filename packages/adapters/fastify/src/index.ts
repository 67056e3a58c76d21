export { toFastify } from './to-fastify.ts'
export { plinthGuards } from './plinth-guards.ts'
export type { FastifyGuard, PlinthGuards } from './plinth-guards.ts'

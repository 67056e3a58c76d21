export { toExpress } from './to-express.ts'
export type { ExpressHandler, ExpressRequest } from './to-express.ts'
export { plinthGuards } from './plinth-guards.ts'
export type { ExpressErrorHandler, PlinthGuards } from './plinth-guards.ts'

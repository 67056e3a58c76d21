export { toExpress } from './to-express.ts'
export type { ExpressHandler, ExpressRequest } from './to-express.ts'

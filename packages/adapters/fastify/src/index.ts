export { toFastify } from './to-fastify.ts'

export { toHono } from './to-hono.ts'

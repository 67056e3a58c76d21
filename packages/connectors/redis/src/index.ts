export { redisLimits } from './redis-limits.ts'
export type { RedisLimits, RedisLimitsOptions } from './redis-limits.ts'

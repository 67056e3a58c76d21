import { createHash } from 'node:crypto'

/**
 * Takes from several buckets, all or none; the same lines as in SQL and in memory. A script runs alone in Redis, so nobody comes in
 * between. A bucket is the time at which it is full (microseconds since 1970, below 2^53: exact in a double), by Redis' own clock,
 * and its key expires when it is. It is never emptier than empty: its rate may have been another one before.
 *
 * KEYS: the buckets. ARGV: for each interval, capacity, cost, partial (1 or 0).
 * Answers whether it was carried out, then for each what was granted and the microseconds until it was full, before.
 */
export const takeScript = `
local clock = redis.call('TIME')
local moment = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local enough = 1
local answer = { 1 }
local after = {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 4
  local interval, capacity = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local cost, partial = tonumber(ARGV[at + 3]), ARGV[at + 4] == '1'
  local span = interval * capacity
  local used = math.min(span, math.max(0, tonumber(redis.call('GET', key) or '0') - moment))
  local free = math.floor((span - used) / interval)
  local granted = 0
  if cost <= free then granted = cost elseif partial then granted = free end
  if not (cost <= 0 or granted == cost or (partial and granted > 0)) then enough = 0 end
  answer[i * 2], answer[i * 2 + 1] = granted, used
  if granted ~= 0 then after[i] = math.max(0, used + granted * interval) end
end
if enough == 1 then
  for i, left in pairs(after) do
    if left == 0 then redis.call('DEL', KEYS[i])
    else redis.call('SET', KEYS[i], string.format('%.0f', moment + left), 'PX', string.format('%.0f', math.ceil(left / 1000))) end
  end
end
answer[1] = enough
return answer
`

export const takeScriptSha = createHash('sha1').update(takeScript).digest('hex')

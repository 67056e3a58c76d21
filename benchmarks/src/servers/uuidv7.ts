import { randomFillSync } from 'node:crypto'

const random = new Uint8Array(4096)
let used = random.length

/** A UUID of version 7: time first, so that new rows land at the end of the index, as Plinth's do. */
export function uuidv7(): string {
  if (used + 10 > random.length) {
    randomFillSync(random)
    used = 0
  }
  const bytes = Buffer.from(random.subarray(used, (used += 10)))
  bytes[0] = 0x70 | (bytes[0]! & 0x0f)
  bytes[2] = 0x80 | (bytes[2]! & 0x3f)
  const time = Date.now().toString(16).padStart(12, '0')
  const hex = bytes.toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`
}

import { expect, test } from 'vitest'
import { Line } from './line.ts'
import { Supply } from './supply.ts'

const delivery = (name: string) => ({ delivery: name, tenantId: 't', id: name })

test('what is in the queue came before; once it is empty the only worker does not look there', async () => {
  const line = new Line()
  let looks = 0
  let inQueue = ['q1', 'q2', 'q3']
  const take = (most: number) => {
    looks += 1
    const taken = inQueue.slice(0, most).map(delivery)
    inQueue = inQueue.slice(most)
    return Promise.resolve(taken)
  }
  const supply = new Supply({ queue: { take }, line })
  const names = async (most: number) => (await supply.take(most)).deliveries.map((one) => one.delivery)
  line.add(['l1', 'l2', 'l3'].map((name) => ({ ...delivery(name), priority: -1 })))
  expect(await supply.take(1)).toEqual({ deliveries: [delivery('q1')], queued: 1 })
  expect(await supply.take(3)).toEqual({ deliveries: ['q2', 'q3', 'l1'].map(delivery), queued: 2 })
  supply.isQueueEmpty = true
  inQueue = ['late']
  expect(await names(1)).toEqual(['l2'])
  expect(looks).toBe(2)
  // Somebody has come: from now on what is handed over is in the queue.
  supply.isQueueEmpty = false
  expect(await names(1)).toEqual(['late'])
  const lost = Promise.reject(new Error('lost'))
  await expect(supply.claimed([delivery('late')], lost)).rejects.toThrow('lost')
  expect(await names(5)).toEqual(['l3', 'late'])
})

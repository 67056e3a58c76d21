import { fetchListener, listen } from '@plinth/testing'
import { plinth } from './plinth.config.ts'

/* A process that serves until it is killed; it says where. */
const listening = await listen(fetchListener(plinth.fetch))
process.stdout.write(`${listening.url}\n`)

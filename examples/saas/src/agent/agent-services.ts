import { serviceAccounts } from '@plinth/auth'
import { compareFact, factIs, or, PlinthError, policy, type Feature } from '@plinth/core'
import { z } from 'zod'
import { agents } from '../schema.ts'

/** A service commands the agent that it is, and no other, whatever its roles say. */
export const ownQueues = policy({
  name: 'an agent commands itself alone',
  action: 'agent:command',
  when: or(factIs('principalKind', 'ne', 'service'), compareFact('serviceAccountId', 'eq', 'principalId')),
})

const deletedAgent = z.object({ serviceAccountId: z.uuid().nullish() })

/** What an agent was goes with it: its service account, where no other agent acts by it, and with that its roles and its keys. */
export const agentServices: Feature = {
  name: 'lookout-agent-services',
  on: {
    'agent.deleted': async (context, { data }) => {
      const { serviceAccountId } = deletedAgent.parse(data)
      if (serviceAccountId == null) return
      const [other] = await context.list(agents, { where: { serviceAccountId }, limit: 1 })
      if (other) return
      await context.delete(serviceAccounts, serviceAccountId).catch((error: unknown) => {
        // An event comes at least once: the second time there is nothing left.
        if (!PlinthError.is(error) || error.code !== 'not_found') throw error
      })
    },
  },
}

import type { Route } from '@plinth/core'
import type { WireReply, WireRequest } from '../http/wire.ts'

type Send = (request: WireRequest) => Promise<WireReply | undefined>

/** Nobody waits for what is to come: answers that are held back until something happens (`wait`) are asked for as they are now. */
export function unheld(routes: readonly Route[], send: Send): Send {
  const held = routes.filter(({ query }) => query?.some(({ name }) => name === 'wait'))
  const paths = held.map(({ path }) => `${path.replace('/api/v1/', '').replaceAll(/:\w+/g, '[^/?]+')}(?=\\?|$)`)
  if (paths.length === 0) return send
  const isHeld = new RegExp(`/(${paths.join('|')})`)
  return (request) => {
    if (!isHeld.test(request.target)) return send(request)
    const target = request.target.replaceAll(/\bwait=\d+/g, 'wait=0')
    return send({
      ...request,
      target: target.includes('wait=') ? target : `${target}${target.includes('?') ? '&' : '?'}wait=0`,
    })
  }
}

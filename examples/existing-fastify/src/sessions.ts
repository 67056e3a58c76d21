import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

const sessions = new Map<string, { readonly name: string }>()

/** Who is signed in to the server's own pages. Plinth neither reads nor sets this cookie. */
export function signedIn(request: FastifyRequest): { readonly name: string } | undefined {
  const id = /(?:^|; *)library=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
  return id === undefined ? undefined : sessions.get(id)
}

export function signIn(reply: FastifyReply, name: string): void {
  const id = randomBytes(24).toString('base64url')
  sessions.set(id, { name })
  reply.header('set-cookie', `library=${id}; Path=/; HttpOnly; SameSite=Lax`)
}

import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'

const sessions = new Map<string, { readonly name: string }>()

/** Who is signed in to the server's own pages. Plinth neither reads nor sets this cookie. */
export function signedIn(request: Request): { readonly name: string } | undefined {
  const id = /(?:^|; *)workshop=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
  return id === undefined ? undefined : sessions.get(id)
}

export function signIn(response: Response, name: string): void {
  const id = randomBytes(24).toString('base64url')
  sessions.set(id, { name })
  response.cookie('workshop', id, { httpOnly: true, sameSite: 'lax' })
}

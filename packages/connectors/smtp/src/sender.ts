import { isMailAddress } from '@plinth/core'

export interface Sender {
  readonly name: string
  readonly address: string
}

/** `no-reply@example.com`, `Acme <no-reply@example.com>`, `"Acme, Inc." <no-reply@example.com>`. @returns or what is wrong */
export function readSender(text: string): Sender | string {
  const [, quoted, plain, inside] = /^(?:"([^"\\]*)"|([^"<>\\]*?))\s*<([^<>]*)>$/.exec(text.trim()) ?? []
  const address = inside ?? text.trim()
  const name = (quoted ?? plain ?? '').trim()
  if (!isMailAddress(address)) return 'must be one address, or a name and an address: Acme <no-reply@example.com>'
  if (/[\p{Cc}\u2028\u2029]/u.test(name)) return 'has a control character in its name'
  return { name, address }
}

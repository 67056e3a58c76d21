import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'

const failed = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

/**
 * The addresses of a name, as the DNS says. Not by `dns.lookup`: that is `getaddrinfo` on the pool of threads, two at a time in a whole process
 * and beyond recall, so that names whose servers say nothing would hold up everything else that is looked up (measured: 45 s for the database
 * behind twelve of them). Nor does it add the search domains of this machine, by which names of its own network would be reached.
 *
 * @param servers that are asked, `127.0.0.1:5353`. Default: those of the machine
 * @throws an error with the code `ENOTFOUND`, or `EAI_AGAIN` where the DNS does not say
 */
export async function resolveName(
  hostname: string,
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<readonly LookupAddress[]> {
  signal.throwIfAborted()
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  if (servers) resolver.setServers(servers)
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
    ]
    if (addresses.length > 0) return addresses
    const codes = [four, six].map((one) =>
      one.status === 'rejected' ? (one.reason as NodeJS.ErrnoException).code : '',
    )
    const isNone = codes.every((code) => code === 'ENOTFOUND' || code === 'ENODATA' || code === '')
    throw failed(isNone ? 'ENOTFOUND' : 'EAI_AGAIN')
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

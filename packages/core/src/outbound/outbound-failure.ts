/** Thrown while connecting: the address, or the name, leads to an address that is not for this server to open. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError'
}

/** One for both: whoever names names would else learn which ones there are inside. */
const NO_PUBLIC_ADDRESS = 'The name does not resolve to a public address'

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: NO_PUBLIC_ADDRESS,
  EAI_AGAIN: 'The name could not be looked up',
  ECONNREFUSED: 'The server refuses connections',
  ECONNRESET: 'The server broke the connection off',
  EPIPE: 'The server broke the connection off',
  ETIMEDOUT: 'The server cannot be reached',
  EHOSTUNREACH: 'The server cannot be reached',
  ENETUNREACH: 'The server cannot be reached',
  CERT_HAS_EXPIRED: 'The certificate has expired',
  CERT_NOT_YET_VALID: 'The certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate is signed by nobody known',
  SELF_SIGNED_CERT_IN_CHAIN: 'The certificate is signed by nobody known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'The certificate comes without the ones between it and a known signer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'The certificate comes without the ones between it and a known signer',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another name',
  EPROTO: 'The server does not speak TLS',
  HPE_HEADER_OVERFLOW: 'The headers of the answer are too long',
}

/**
 * Why a request to the outside failed, in words that whoever named the URL may be shown. Never the message of the error itself: it names
 * the address that was connected to, and so would draw a map of the network that this server stands in.
 */
export function outboundFailure(error: unknown): string {
  if (error instanceof PrivateAddressError) return NO_PUBLIC_ADDRESS
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (code.startsWith('HPE_')) return words[code] ?? 'The answer is not HTTP'
  return words[code] ?? `The request failed (${code})`
}

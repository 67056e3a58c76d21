/** Where an HTTP answer ends, in bytes from the start of `bytes`; undefined while it is incomplete. */
export function answerSize(bytes: Buffer): { readonly head: string; readonly size: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const size = end + 4 + Number(length)
    return size <= bytes.length ? { head, size } : undefined
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const last = bytes.indexOf('\r\n0\r\n\r\n', end + 2)
    return last < 0 ? undefined : { head, size: last + 7 }
  }
  // 204 and 304 have no body.
  return { head, size: end + 4 }
}

/** Whether the operator lists the host of this URL (WEBHOOKS_ALLOW_HOSTS): for every port, or for this one. */
export function isListed(listed: readonly string[], url: URL): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return listed.includes(url.hostname) || listed.includes(`${url.hostname}:${port}`)
}

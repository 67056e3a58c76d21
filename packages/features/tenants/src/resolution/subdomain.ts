/**
 * The tenant that a host name names: the labels below the host of `PUBLIC_URL`. Whoever sends a forged `Host` gains nothing by it,
 * for the name only chooses among his own tenants.
 *
 * @param publicHost host name without a port
 * @returns undefined for the public host itself, its `www`, and for every host that is not below it
 */
export function subdomainOf(host: string | undefined, publicHost: string): string | undefined {
  const name = hostNameOf(host)
  if (!name.endsWith(`.${publicHost}`)) return undefined
  // Several labels are no slug, and so nobody's tenant: refused like one that there is not, not taken for none.
  const labels = name.slice(0, -publicHost.length - 1)
  return labels === 'www' ? undefined : labels
}

/** In lower case, without port and without the dot that a full name may end with. */
export function hostNameOf(host: string | undefined): string {
  return (host ?? '').toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
}

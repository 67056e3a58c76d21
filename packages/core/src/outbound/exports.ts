// What others see of requests to the outside: `index.ts` hands on these names and no others.
export { askOutside } from './ask-outside.ts'
export { outboundFailure, PrivateAddressError } from './outbound-failure.ts'
export { isPrivateHost, isPublicAddress } from './private-address.ts'
export type { NameLookup, OutboundRequest } from './ask-outside.ts'

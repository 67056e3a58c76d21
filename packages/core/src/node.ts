// For adapters of frameworks that stand on node:http: its messages as `Request` and `Response`, and back.
export { nodeRequest } from './node/node-request.ts'
export type { NodeRequestParts } from './node/node-request.ts'
export { partsOf } from './node/node-response.ts'
export type { ResponseParts } from './node/node-response.ts'
export { leaveBody, readableOf, sendResponse } from './node/send-response.ts'
export { pathOfTarget } from './node/request-target.ts'
export { uniteHeader } from './node/unite-headers.ts'

// The end of a process that serves.
export { gracefulServer, stopOnSignals } from './node/graceful-server.ts'
export type { GracefulOptions, GracefulServer } from './node/graceful-server.ts'

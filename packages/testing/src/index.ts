// A PostgreSQL for tests.
export { launchServer } from './server/launch-server.ts'
export type { LaunchOptions, TestServer } from './server/launch-server.ts'
export { createDatabase, ensureRole, loginUrl, templateDatabase } from './server/databases.ts'
export type { TestDatabase } from './server/databases.ts'

// A platform with two tenants and people in them.
export { testPlatform } from './platform/test-platform.ts'
export type { TestPlatform, TestPlatformOptions, TestReply } from './platform/test-platform.ts'
export type { ActorName, TestActor, TestTenant } from './platform/actors.ts'
export { journalTable, testJournal } from './platform/test-journal.ts'
export { testClock } from './clock/test-clock.ts'
export type { TestClock } from './clock/test-clock.ts'
export { capturedLog } from './log/captured-log.ts'
export type { CapturedLog, LogLevel, LogLine } from './log/captured-log.ts'
export { capturedMail } from './mail/captured-mail.ts'
export type { CapturedMail } from './mail/captured-mail.ts'
export { depot } from './resources/depot.ts'
export { crates, documents, folders, letters, prices, vaults } from './resources/depot-tables.ts'

// A passkey in software.
export { softPasskey } from './passkey/soft-passkey.ts'
export type {
  CreatedPasskey,
  Dishonesty,
  PasskeyAssertion,
  SoftPasskey,
  SoftPasskeyOptions,
} from './passkey/soft-passkey.ts'
export type { PasskeyAlgorithm } from './passkey/cose-key.ts'

// Requests.
export { inProcess } from './http/in-process.ts'
export { fetchListener, listen } from './http/listen.ts'
export type { HttpListener, Listening } from './http/listen.ts'
export { overSocket } from './http/over-socket.ts'
export type { SocketOptions, SocketSender } from './http/over-socket.ts'
export { printCurl } from './http/print-curl.ts'
export type { Send, WireReply, WireRequest } from './http/wire.ts'
// A Redis for tests, and what every store of limits must do.
export { launchRedis } from './redis/launch-redis.ts'
export type { TestRedis } from './redis/launch-redis.ts'
export { limitStoreCases } from './limits/limit-store-cases.ts'
export type { LimitStoreCase } from './limits/limit-store-cases.ts'
export { seededRandom } from './random/seeded-random.ts'
export type { SeededRandom } from './random/seeded-random.ts'

// The leak fuzzer and what proves it.
export { leakFuzzer } from './leak/leak-fuzzer.ts'
export type { LeakFuzzerOptions, LeakReport } from './leak/leak-fuzzer.ts'
export type { LeakActor } from './leak/leak-actor.ts'
export { layeredPlatform } from './leak/layered-platform.ts'
export type { LayeredPlatform, Layers } from './leak/layered-platform.ts'
export { directedProbes } from './leak/directed-probes.ts'
export { statementForm, statementMutants } from './leak/statement-mutants.ts'
export type { StatementMutant, StatementMutantReport } from './leak/statement-mutants.ts'
export { describeFindings } from './leak/describe-findings.ts'
export type { Finding, FindingKind } from './leak/judge.ts'
export type { Probe, WordPair } from './leak/probe.ts'
export {
  attackPolicyMutant,
  policedTables,
  policyMutations,
  prepareForProbes,
  probePolicyMutant,
} from './leak/policy-mutants.ts'
export type { PolicyMutant, PolicyMutation } from './leak/policy-mutants.ts'
export { probeTables } from './leak/probe-tables.ts'
export type { ProbedTable } from './leak/probe-tables.ts'
export { tablePolicies } from './leak/table-policies.ts'
export type { TablePolicy } from './leak/table-policies.ts'
export {
  countTenantConditions,
  tappedDriver,
  withoutTenantCondition,
  withoutTenantConditions,
} from './leak/tapped-driver.ts'
export type { TappedDriver } from './leak/tapped-driver.ts'
export { CANARY, isMarked, marksIn } from './tenants/marks.ts'
export type { RowRole, SeededRow, SeededRows, SeedOptions } from './tenants/seed-rows.ts'
export { tenantTables } from './tenants/tenant-tables.ts'
export type { TenantTable } from './tenants/tenant-tables.ts'
export { webhookReceiver, type ReceivedWebhook, type WebhookReceiver } from './webhooks/webhook-receiver.ts'

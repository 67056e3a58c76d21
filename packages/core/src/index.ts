// The language: what a user writes.
export { resourceTable, deletedAt } from './table/resource-table.ts'
export { belongsTo, type Reference } from './table/belongs-to.ts'
export { templateColumns, templated } from './template/columns.ts'
export { defineResource } from './resource/define-resource.ts'
export { acceptEvent, defineEvent, eventFields, eventOf, everyEvent, MASKED, on } from './events/exports.ts'
export { readEvent, storedEvent, toldOf } from './events/exports.ts'
export type { AcceptedEvent, EventCatalog, EventFacts, EventHandler, EventHandlers } from './events/exports.ts'
export type { EventHandling, EventName, EventRecord, EventRow, EventSource, EventType } from './events/exports.ts'
export type { EveryEvent, KnownEvent, ResourceEvents, RowEventName, SettledHandler, Upcast } from './events/exports.ts'
export type { FeatureEventHandling, FeatureHandling } from './events/exports.ts'
export { policy } from './policy/policy.ts'
export type { Policy, PolicyFacts } from './policy/policy.ts'
export { createPlinth } from './platform/create-plinth.ts'
export { serviceTokens, type ServiceToken } from './auth/service-tokens.ts'
export { singleTenant } from './tenancy/single-tenant.ts'
export type { AnyResourceTable, Columns, Draft, Patch, ResourceTable, Row } from './table/types.ts'
export type { Overrides, ParamsOf, SharedTemplate, TemplateFacts } from './template/facts.ts'
export type { FieldFacts, Fields, PersonalKind } from './resource/field-facts.ts'
export type { EventEvolution, Operations, Resource, Shape } from './resource/define-resource.ts'
export type { Context, ListRequest, ReadingContext } from './resource/context.ts'
export type { BuiltInRow, BuiltInRows } from './resource/built-in-rows.ts'
export type { Hooks } from './resource/hooks.ts'
export type { Granted, Guard, GuardOutcome } from './platform/guard.ts'
export type { Client, Peer } from './client/client.ts'
export { parseAddress, type IpAddress } from './client/ip-address.ts'
export { isInRange, readIpRange, type IpRange } from './client/ip-range.ts'
export type { FoundingDraft, FoundTenant } from './platform/found-tenant.ts'
export type { BoundCommand, Plinth, PlinthOptions } from './platform/plinth.ts'
export type { ApiLicense } from './openapi/document.ts'

// Errors.
export { PlinthError, problem } from './errors/plinth-error.ts'
export { StartupError } from './errors/startup-error.ts'
export { coreErrors } from './errors/registry.ts'
export type { ErrorDetails, InputFault } from './errors/plinth-error.ts'
export type { StartupFault } from './errors/startup-error.ts'
export type { CoreErrorCode, ErrorDefinition } from './errors/registry.ts'

// Conditions: one rule, several readers.
export { always, and, compare, compareFact, contains, factIs, inGroups, isNull } from './condition/condition.ts'
export { listed, never, not, oneOf, or } from './condition/condition.ts'
export { caseVariants, foldCase } from './condition/fold-case.ts'
export { explain } from './condition/explain.ts'
export { withFacts } from './condition/fact-truth.ts'
export { holds } from './condition/holds.ts'
export { entriesFor, settledBy, settleListed } from './condition/settle-listed.ts'
export type { Circumstances, PolicyFact } from './condition/circumstances.ts'
export type {
  Comparison,
  Condition,
  FactCondition,
  FactName,
  Facts,
  ListedCondition,
  Operand,
  Scalar,
} from './condition/condition.ts'
export type { ConditionRow } from './condition/holds.ts'
export type { ExplainedField, ExplainedPart, ExplainedTruth, Explanation, ExplainOptions } from './condition/explain.ts'
export type { ComparableKind } from './condition/comparable.ts'

// Health, metrics, and calls to what may be away, or to where somebody else says.
export { askOutside, isPrivateHost, isPublicAddress, outboundFailure, PrivateAddressError } from './outbound/exports.ts'
export type { NameLookup, OutboundRequest } from './outbound/exports.ts'
export { circuitBreaker, resilient, retry, type CallCounts, type CircuitWord } from './resilience/resilience.ts'
export type { BreakerOptions, BulkheadOptions, Resilience } from './resilience/resilience.ts'
export type { ResilienceOptions, RetryOptions, RunOptions } from './resilience/resilience.ts'
export { ResilienceError, type ResilienceReason } from './resilience/resilience-error.ts'
export type { CheckResult, HealthCheck, HealthReport } from './health/health-check.ts'
export type { Labels, MetricDefinition, MetricSource, Sample } from './metrics/metric.ts'
export type { Metrics } from './metrics/metrics.ts'
export type { Counter, Gauge, Histogram } from './metrics/series.ts'
export type { Observed } from './platform/observed.ts'
export type { Limits } from './platform/platform.ts'

// What a feature is made of.
export { recordedEvent, recordedWrite } from './feature/record.ts'
export type { Feature, FeatureMigration, FeatureParts, FeatureSlots } from './feature/feature.ts'
export type { EmittedEvent, RecordedEvent, RecordedEventName, WrittenChanges } from './feature/record.ts'
export type { RecordedName, RecordedRow, RecordedValue, RecordedWrite } from './feature/record.ts'
export type { GoingTable, SealedColumn, StayingTable, Travel, TravellingRow, Travels } from './feature/travel.ts'
export type {
  PortableAccess,
  PortableColumn,
  PortableReference,
  PortableRow,
  PortableTable,
  PortableTables,
} from './ports/portable.ts'
export type {
  Actor,
  Asking,
  Credential,
  CredentialReader,
  Principal,
  PrincipalKind,
  Rights,
  SessionFacts,
} from './auth/principal.ts'
export { isPerson } from './auth/principal.ts'
export type { Member, Tenant, TenantChooser, TenantDraft, TenantSource, TenantStatus } from './tenancy/tenant.ts'
export type { Directory, Newcomer, OwnTenant } from './tenancy/directory.ts'
export type { Founding, SweepWork } from './feature/feature.ts'
export type { CommandOption, CommandTerminal, FeatureCommand } from './feature/command.ts'
export { rolesIn } from './policy/roles.ts'
export type { Roles } from './policy/roles.ts'
export type { Platform } from './platform/platform.ts'
export type { AfterAnswer } from './platform/after-answer.ts'
export type { Runtime } from './platform/runtime.ts'
export { foundWithin } from './platform/found-tenant.ts'
export { asPrincipal, besides, readingAs, type Entered } from './job/as-principal.ts'
export { defineJob, type Job, type JobFacts, type RetryFacts } from './job/define-job.ts'
export type { EnqueuedJob, EnqueueOptions, EnqueueParts, JobCounts, JobQueue } from './job/job-queue.ts'
export type { JobRun, JobSignals } from './job/job-run.ts'
export { recallPrincipal, type RememberedPrincipal } from './job/recall-principal.ts'
export { asSystem } from './platform/as-system.ts'
export { addMember } from './tenancy/add-member.ts'
export { changeStanding, depart, holdOwners, refuseOwnerless } from './tenancy/standing.ts'
export type { Departure, StandingChange } from './tenancy/standing.ts'
export { alwaysWithin, OWNER, refuseGrant, refuseOwning } from './policy/grant-roles.ts'
export { heldRoles, refuseGroupChange } from './policy/held-roles.ts'
export type { RoleHolder } from './policy/held-roles.ts'
export { refuseAbove } from './policy/refuse-above.ts'
export { lockedRow, refuseNarrow } from './write/locked-row.ts'
export { accountFields, normalMailAddress } from './auth/account-fields.ts'
export type { AccountChange, AccountDraft, Accounts, PreparedAccount, PreparedChange } from './auth/accounts.ts'
export { credentialTenant } from './tenancy/credential-tenant.ts'
export { refuseInactive } from './pipeline/tenant.ts'
export { enterTenant } from './tenancy/enter-tenant.ts'
export { auditDenial, audited, auditedByPlatform, auditedSystem, auditRefusal } from './platform/audit-exports.ts'
export type { AuditedAct, AuditedCall, DeniedWork } from './platform/audit-exports.ts'
export { givenTime } from './platform/given-time.ts'
export { scopeOf } from './pipeline/data.ts'
export { behalfOf } from './policy/behalf-of.ts'
export type { Doorway } from './tenancy/enter-tenant.ts'
export { personOf } from './pipeline/personal.ts'
export { staleness } from './policy/freshness.ts'
export { cookieName, readCookie, SESSION_COOKIE, sessionCookie, setCookie } from './auth/cookies.ts'
export { csrfToken, refuseForgery } from './auth/csrf.ts'
export { hashToken, isRandomToken, randomToken } from './keys/random-token.ts'
export { FRESH_MS, FreshLookup } from './lookup/fresh-lookup.ts'
export { FixedStatement, statement, type StatementValue } from './ports/statement.ts'
export { platformTable } from './table/resource-table.ts'
export { admits, admittedAmong } from './resource/admitted.ts'
export { visibleTo } from './policy/visible-to.ts'
export { isAboutRows, subjectKinds, subjectOf } from './policy/acl.ts'
export type { AclEffect, AclEntry, AclOperation, AclSaying, SubjectKind } from './policy/acl.ts'
export type { AlwaysAllowed } from './policy/decisions.ts'
export type { Permissions } from './policy/permissions.ts'
export { readPolicies } from './policy/read-policies.ts'
export type { Policies } from './policy/read-policies.ts'
export { buildPermissionSet, numberPermissions, PermissionSet } from './policy/permission-set.ts'
export { formatPermission, parsePermission, scopes } from './policy/permission.ts'
export { can } from './policy/can.ts'
export { nearestNames } from './errors/nearest-names.ts'
export type { PermissionNumbers } from './policy/permission-set.ts'
export type { Permission, PermissionScope } from './policy/permission.ts'

// The ports, and what their fillings read.
export { csvText } from './export/csv.ts'
export { takePlace } from './export/export-places.ts'
export { exportStream } from './export/export-stream.ts'
export type { Batch, ExportStreamParts } from './export/export-stream.ts'
export { Unfinished, type Finish, type TransactionPlace, type TransactionWork } from './ports/beside.ts'
export { traceIdOf, traceparentOf } from './request/request-id.ts'
export { databaseDefault, RELATED_TO } from './ports/database.ts'
export type { Audit, AuditActor, AuditDraft, AuditOutcome } from './ports/audit.ts'
export type { Attachment } from './ports/attachment.ts'
export type { ChangeOperation, ChangeResult, CreateOperation, Database } from './ports/database.ts'
export type { ListOperation, LockManyOperation, LockOperation, LockStrength } from './ports/database.ts'
export type { ManyOperation, Raw, RawRow, ReadOperation, RowState, RelatedOperation } from './ports/database.ts'
export type { Scope, Session, SortKey, StatementRunner, Stored, SystemTransaction, Ties } from './ports/database.ts'
export type { Transaction, UpdateOperation } from './ports/database.ts'
export type { WriteListener } from './ports/write-listener.ts'
export type { IdempotencyKey, KeyClaim } from './ports/idempotency-key.ts'
export type { MigrateOptions, MigrationProgress, MigrationReport } from './ports/migration.ts'
export type { Attempt, AttemptLimit } from './limits/attempts.ts'
export type { RateLimitOptions, RequestRates } from './limits/rate-limit-options.ts'
export { chargesOf, rateFault, resultOf } from './limits/bucket.ts'
export type { BucketCharge, BucketState } from './limits/bucket.ts'
export { foldedName } from './limits/folded-name.ts'
export { memoryLimits } from './limits/memory-limits.ts'
export type {
  ChangedRates,
  DatabaseLimits,
  Rate,
  RateLimitStore,
  TakeRequest,
  TakeResult,
  TenantRates,
} from './ports/rate-limits.ts'
export { systemClock, type Clock } from './ports/clock.ts'
export type { Logger, LogFields } from './ports/logger.ts'
export type { Secrets } from './ports/secrets.ts'
export { MailError, type Mail, type Mailer } from './ports/mail.ts'
export type { Registry } from './platform/registry.ts'
export { readDeclaration } from './platform/read-declaration.ts'
export type { DeclaredBeside } from './platform/read-declaration.ts'
export type { Finding } from './platform/finding.ts'
export type { AccessExplanation, AccessQuestion, AccessRule, AccessRuleSource } from './platform/access-explanation.ts'
export type { Beside, LibraryRunner, LibraryValue } from './ports/beside.ts'
export { readDuration } from './duration/read-duration.ts'
export { Pause, settledWithin } from './pause/exports.ts'
export type { PrincipalSource } from './auth/principal-source.ts'
export { explainAccess } from './platform/explain-access.ts'
export { explainFor, isConfidential } from './resource/explain-for.ts'
export { holdsFor } from './resource/holds-for.ts'
export { builtInRows, withBuiltInRows } from './resource/built-in-rows.ts'
export { linksOf, type Link } from './link/link.ts'
export { relationsOf, type Relation } from './include/relations.ts'
export { acceptsId, isUuid } from './resource/row-id.ts'
export { closedView, fieldView, markShown, openView, shownMark } from './fields/field-view.ts'
export type { FieldView } from './fields/field-view.ts'
export { fieldModelsOf, isFieldModel } from './fields/field-permission.ts'
export { fieldOf, visibleFields, writableFields } from './resource/resource-info.ts'
export type { ActionInfo, FieldInfo, ResourceInfo } from './resource/resource-info.ts'
export type { ColumnKind } from './columns/kinds.ts'
export { TENANT_POLICY, TENANT_POLICY_USING, tableFacts } from './table/resource-table.ts'
export type { KeyType } from './table/key-type.ts'
export { drizzleTable } from './table/types.ts'
export { snakeCase } from './table/snake-case.ts'
export { isoTime } from './columns/kinds.ts'
export { toStored } from './input/stored.ts'

// Routes as data.
export { isGuarded } from './routes/route.ts'
export type {
  GuardedRoute,
  Method,
  PersonalRoute,
  PublicRoute,
  QueryParameter,
  Route,
  RouteAnswer,
} from './routes/route.ts'
export type { Answer, AnswerBody, TextAnswer } from './pipeline/answer.ts'
export { html, Html } from './pages/html.ts'
export { cardStyle, hashOf } from './pages/card-style.ts'
export { linkPage, type LinkPage, type PageField, type PageForm } from './pages/link-page.ts'
export { publicAnswer, publicPage } from './pages/public-answer.ts'
export { wantsJson } from './pages/wants-json.ts'
export { emptyAnswer, jsonAnswer } from './pipeline/answer.ts'
export { routePartsOf } from './routes/resource/route-parts.ts'
export { timeInput } from './input/time-input.ts'
export { faultsAt, validate } from './input/validate.ts'
export { parseJsonBody } from './request/scan-json.ts'
export { inputSchemas } from './input/schemas.ts'
export { listAnswerSchema, outputSchema } from './output/schemas.ts'
export { rowPrinter } from './output/print-row.ts'
export { matchVersion, noneMatch } from './output/conditional.ts'
export { readQuery } from './list/query-text.ts'
export { wholeNumber } from './list/whole-number.ts'
export { pageOf, pageParameters, printPage, readPage, type Page } from './list/paging.ts'
export { logParameters, readLogPage, type LogPage, type LogPageFacts } from './list/log-page.ts'
export { queryFilter, type QueryFilter } from './list/query-filter.ts'
export { readRow, refuseQuery } from './routes/resource/read.ts'
export { listRows } from './routes/resource/list.ts'
export { listParameters } from './routes/resource/list-parameters.ts'
export { systemPrincipal } from './auth/system-principal.ts'
export type { Call, PersonalCall, PublicCall, TransactAsSystem } from './pipeline/call.ts'

// Mail.
export { checkMail, isMailAddress } from './mail/check-mail.ts'
export { composeMail, type MailParts } from './mail/compose-mail.ts'
export { consoleMailer } from './mail/console-mailer.ts'
export { mailerFor } from './mail/mailer-for.ts'
export { oneLine } from './mail/one-line.ts'

// Settings, keys and logs.
export { defineSettings } from './settings/define-settings.ts'
export { describeSettings, envExample } from './settings/describe-settings.ts'
export { loadSettings } from './settings/load-settings.ts'
export type { LoadOptions } from './settings/load-settings.ts'
export { checkPlatformSettings, loadPlatformSettings, platformSettings } from './settings/platform-settings.ts'
export { settingsStore } from './settings/settings-store.ts'
export { databaseUrlOf } from './settings/database-url.ts'
export {
  csv,
  flag,
  httpOrigin,
  ipRange,
  listenAddress,
  outboundHost,
  port,
  postgresUrl,
  urlPrefix,
  word,
} from './settings/value-schemas.ts'
export type { Environment, Setting, Settings, SettingsDefinition } from './settings/define-settings.ts'
export type { PlatformSettings } from './settings/platform-settings.ts'
export { jsonLogger } from './logging/json-logger.ts'
export { prettyLogger } from './logging/pretty-logger.ts'
export { platformLogger } from './logging/platform-logger.ts'
export { silentLogger } from './logging/silent-logger.ts'
export { logEvents } from './logging/events.ts'
export { keyRingOf, keyRingSecrets } from './keys/key-ring-secrets.ts'
export { parseKeyRing } from './keys/key-ring.ts'
export { maskText } from './logging/mask-text.ts'
export { storedText } from './logging/stored-text.ts'

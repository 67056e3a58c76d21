export { smtp } from './smtp.ts'
export { smtpSettings } from './smtp-settings.ts'
export type { SmtpMailer, SmtpOptions } from './smtp.ts'

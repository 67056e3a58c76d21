import { printCurl } from '../http/print-curl.ts'
import type { TestPlatform } from '../platform/test-platform.ts'
import type { Finding } from './judge.ts'
import type { LeakReport } from './leak-fuzzer.ts'

/** The findings for a person: what was found, the request as curl, the answer, and how to see it again. */
export function describeFindings(platform: TestPlatform, report: LeakReport): string {
  if (report.findings.length === 0) return ''
  const tokens = new Map(
    Object.values(platform.a.actors).map((actor) => [actor.token, `TOKEN_${actor.name.toUpperCase()}`]),
  )
  const shown = report.findings.slice(0, 10).map((finding) => describe(finding, tokens))
  return [
    `${report.findings.length} findings with seed ${report.seed} after ${report.requests} requests`,
    ...shown,
  ].join('\n\n')
}

function describe(finding: Finding, tokens: ReadonlyMap<string, string>): string {
  const lines = [`${finding.kind}: ${finding.words}`]
  const { probe, reply } = finding
  if (probe) {
    lines.push(
      `  as ${probe.actor.name} on ${probe.route} (probe ${probe.number})`,
      `  ${printCurl(probe.request, { tokens })}`,
    )
  }
  if (reply) lines.push(`  ${reply.status} ${JSON.stringify(reply.headers)} ${reply.body.slice(0, 500)}`)
  return lines.join('\n')
}

import type { Finding, StartupFault } from '@plinth/core'
import { inWords } from '../cli-error.ts'
import { configOption, type Command, type CommandCall } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

/** The oldest Node whose type stripping and module hooks are used. */
const OLDEST_NODE = [22, 18] as const

export const doctor: Command = {
  name: 'doctor',
  summary: 'compare the live database, the declaration and the settings with what they should be',
  details: `Changes nothing. Each finding names the SQL or the line that mends it. Ends with 1 where there is an error; warnings
alone end with 0, or with 1 under --strict. --sql prints nothing but the statements: read them, then give them to psql as the
owner of the database.`,
  options: {
    ...configOption,
    strict: { type: 'boolean', description: 'warnings count too' },
    sql: { type: 'boolean', description: 'print only the SQL that mends what SQL can mend' },
  },
  async run(call) {
    const { json, printJson, flag, terminal } = call
    const findings = [...nodeVersion(process.versions.node), ...(await inspect(call))]
    const errors = findings.filter((one) => one.severity === 'error').length
    const warnings = findings.length - errors
    const ok = errors === 0 && (warnings === 0 || !flag('strict'))
    if (json) printJson({ ok, errors, warnings, findings })
    else if (flag('sql')) for (const sql of statements(findings)) terminal.out(`${sql}\n`)
    else for (const finding of findings) terminal.out(print(finding, call))
    terminal.err(
      findings.length === 0 ? 'All is well.\n' : `${count(errors, 'error')}, ${count(warnings, 'warning')}.\n`,
    )
    return ok ? exitCodes.ok : exitCodes.failed
  },
}

const statements = (findings: readonly Finding[]): ReadonlySet<string> =>
  new Set(findings.flatMap(({ sql }) => sql ?? []))

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

async function inspect({ plinth }: CommandCall): Promise<readonly Finding[]> {
  try {
    return await (await plinth()).inspect()
  } catch (error) {
    const { faults } = inWords(error)
    if (faults.length === 0) throw error
    return faults.map(fromFault)
  }
}

/** A platform that cannot be put together: each fault of settings and declaration is a finding. */
function fromFault({ path, problem, fix }: StartupFault): Finding {
  const code = /^[A-Z][A-Z0-9_]*$/.test(path) ? 'setting' : 'declaration'
  return { code, severity: 'error', path, problem, fix }
}

export function nodeVersion(version: string): readonly Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return []
  return [
    {
      code: 'node_version',
      severity: 'error',
      path: 'node',
      problem: `is ${version}; Plinth needs ${OLDEST_NODE.join('.')} or newer`,
      fix: `install Node ${OLDEST_NODE[0]} (at least ${OLDEST_NODE.join('.')}) or a newer one`,
    },
  ]
}

function print({ code, severity, path, problem, fix }: Finding, { style }: CommandCall): string {
  const mark = severity === 'error' ? style.red('error') : style.yellow('warning')
  return `${mark} ${code}\n  ${path}: ${problem}\n  fix: ${fix}\n`
}

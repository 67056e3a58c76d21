import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../cli-error.ts'
import type { Command, CommandCall } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { folderOf, planInit, type Plan } from '../init/plan.ts'
import { frameworks, readProject, type Framework, type Project } from '../init/read-project.ts'
import { ownVersion } from '../own-version.ts'

export const init: Command = {
  name: 'init',
  summary: 'put Plinth into this project: shows the plan, asks, then writes',
  details: `In a Hono, Express or Fastify project it adds a first resource, the configuration and the mount line; in an empty folder
a whole server. Nothing that is there is written over, and a second run does nothing. Dependencies are told, not installed.`,
  options: {
    yes: { type: 'boolean', short: 'y', description: 'write without asking' },
    'dry-run': { type: 'boolean', description: 'show the plan and write nothing' },
    framework: {
      type: 'string',
      value: 'name',
      description: `${frameworks.join(', ')}; by default what package.json says`,
    },
  },
  async run(call) {
    const { terminal, json, printJson, flag, text } = call
    const project = readProject(terminal.cwd, readFramework(text('framework')))
    const plan = planInit(project, ownVersion())
    const packages = Object.keys(plan.dependencies).join(' ')
    const install = project.isEmpty ? 'npm install' : `${project.install} ${packages}`
    const dry = flag('dry-run')
    if (!json) terminal.out(printPlan(project, plan, install, call))
    const wanted = plan.changes.length > 0 && !dry && (await allowed(call))
    if (wanted) write(project, plan)
    if (json)
      printJson({
        ok: true,
        written: wanted,
        framework: project.framework ?? null,
        entry: project.entry ?? null,
        create: plan.changes.filter((one) => one.kind === 'create').map((one) => one.file),
        add: plan.changes.filter((one) => one.kind === 'add').map(({ file, lines }) => ({ file, lines })),
        kept: plan.kept,
        byHand: plan.byHand ? { file: plan.byHand.file ?? null, lines: plan.byHand.lines } : null,
        dependencies: plan.dependencies,
        install,
      })
    if (wanted) terminal.err(`Written. Next: ${install} && npx plinth migrate, then start your server.\n`)
    else terminal.err(plan.changes.length === 0 ? 'Nothing to do.\n' : 'Nothing was written.\n')
    return wanted || dry || plan.changes.length === 0 ? exitCodes.ok : exitCodes.failed
  },
}

function readFramework(text: string | undefined): Framework | undefined {
  const found = frameworks.find((name) => name === text)
  if (text !== undefined && found === undefined)
    throw new UsageError(`--framework takes ${frameworks.join(', ')}, not '${text}'.`)
  return found
}

async function allowed({ terminal, flag, json }: CommandCall): Promise<boolean> {
  if (flag('yes')) return true
  if (terminal.confirm && !json) return terminal.confirm('Write this? [y/N] ')
  throw new UsageError('Nobody can be asked here. Give --yes to write, or --dry-run to see the plan.')
}

function printPlan(project: Project, plan: Plan, install: string, { style }: CommandCall): string {
  const lines = [
    `${project.isEmpty ? 'An empty folder' : `A project with ${project.framework ?? 'no framework that is known'}`}${project.entry === undefined ? '' : `, started by ${project.entry}`}.`,
    '',
  ]
  for (const change of plan.changes) {
    lines.push(`${style.green(change.kind.padEnd(6))} ${change.file}`)
    if (change.kind === 'add') lines.push(...change.lines.map((line) => `         + ${line}`))
  }
  for (const file of plan.kept) lines.push(style.dim(`keep   ${file}`))
  if (plan.byHand) {
    lines.push(
      '',
      `By hand, in ${plan.byHand.file ?? 'the file that makes your server'}, behind its creation and before parsers of bodies:`,
    )
    lines.push(...plan.byHand.lines.map((line) => `  ${line}`))
  } else if (project.framework === undefined && !project.isEmpty)
    lines.push('', `No framework was found: give --framework ${frameworks.join('|')} for the mount line.`)
  lines.push('', `Dependencies: ${install}`, '')
  return `${lines.join('\n')}\n`
}

function write(project: Project, plan: Plan): void {
  for (const change of plan.changes) {
    mkdirSync(folderOf(project, change), { recursive: true })
    const file = join(project.folder, change.file)
    // `wx` fails where a file came to be since the plan: nothing is ever written over.
    if (change.kind === 'create')
      writeFileSync(file, change.text, { flag: 'wx', ...(change.secret && { mode: 0o600 }) })
    else writeFileSync(file, change.text)
  }
}

#!/usr/bin/env node
// The program `plinth`: the process around runCli.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  // Before anything is imported: an older Node lacks what the rest imports and would show a stack.
  process.stderr.write(`plinth: Node is ${process.versions.node}; Plinth needs 22.18 or newer.\n`)
  process.exit(1)
}
const { processTerminal } = await import('./process-terminal.ts')
const { runCli } = await import('./run-cli.ts')

const code = await runCli(process.argv.slice(2), processTerminal())
// What a configuration leaves open (a timer, a socket) must not hold the shell up; what was written must be out before.
process.stdout.write('', () => process.exit(code))

export {}

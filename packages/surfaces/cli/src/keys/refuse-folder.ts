import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import type { Terminal } from '../terminal.ts'

/**
 * A folder that is there must be one where a private key may lie: git ignores what is in it, and nobody else writes into it.
 * One that is not there yet is made so.
 * @param shown the folder as it was named
 * @throws CliError with the line that mends it
 */
export function refuseFolder(folder: string, shown: string, terminal: Terminal): void {
  if (!existsSync(folder)) return
  const mode = statSync(folder).mode & 0o777
  if (process.platform !== 'win32' && (mode & 0o022) !== 0)
    throw new CliError(
      'keys_folder_open',
      `${shown} may be written by others (mode ${mode.toString(8)}), who could add a key of their own. Run: chmod 700 ${shown}`,
    )
  // 0: ignored, 1: not ignored, 128: no repository. Without git there is nothing that could take it.
  const { status } = spawnSync('git', ['-C', folder, 'check-ignore', '--quiet', join(folder, 'key.pem')], {
    stdio: 'ignore',
    env: { ...terminal.env },
  })
  if (status === 1)
    throw new CliError(
      'keys_folder_in_git',
      `${shown} lies in a git repository that does not ignore it: a key that is committed is known to every reader. Run: echo '*' > ${join(shown, '.gitignore')}`,
    )
}

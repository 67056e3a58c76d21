import { fileURLToPath } from 'node:url'

// In this file and not where it is used: the build puts every module directly into dist/, so only a path from a file directly
// in src/ is right in both.

/** The folder of the platform's numbered SQL, as it is shipped in the package. */
export const platformMigrationsFolder = fileURLToPath(new URL('../migrations/', import.meta.url))

import { z } from 'zod'

export const roleNames = z.array(z.string().min(1).max(100)).max(20).describe('Names of roles')

import {
  belongsTo,
  defineResource,
  deletedAt,
  resourceTable,
  templateColumns,
  templated,
  type AnyResourceTable,
} from '@plinth/core'
import { boolean, integer, jsonb, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm'
import { z } from 'zod'

/* A small company: what is restricted of an employee is of every kind, and everything that shows rows shows employees. */

export const departments = resourceTable('departments', { name: text().notNull() })

export const employees = resourceTable(
  'employees',
  {
    name: text().notNull(),
    salary: integer(),
    note: text(),
    grade: text(),
    dossier: jsonb(),
    badge: text(),
    rank: text().notNull().default('none'),
    bossId: belongsTo((): AnyResourceTable => employees, { inverse: 'reports' }),
    departmentId: belongsTo(() => departments),
    deletedAt: deletedAt(),
  },
  (table) => [
    uniqueIndex('employees_grade_key')
      .on(table.tenantId, table.grade)
      .where(sql`deleted_at is null`),
  ],
)
export const payslips = resourceTable('payslips', {
  month: text().notNull(),
  employeeId: belongsTo(() => employees),
})
export const skills = resourceTable('skills', { name: text().notNull(), cost: integer() })
export const employeeSkills = resourceTable(
  'employee_skills',
  {
    employeeId: belongsTo(() => employees, { onDelete: 'cascade' }).notNull(),
    skillId: belongsTo(() => skills, { onDelete: 'cascade' }).notNull(),
  },
  (table) => [uniqueIndex('employee_skills_key').on(table.tenantId, table.employeeId, table.skillId)],
)
export const contractParams = z.object({ days: z.int().min(1).default(20), place: z.string().default('office') })
type ContractParams = z.output<typeof contractParams>
export const contractTemplates = resourceTable('contract_templates', {
  name: text().notNull(),
  fee: text(),
  ...templateColumns<ContractParams>((): AnyResourceTable => contractTemplates),
  deletedAt: deletedAt(),
})
export const contracts = resourceTable('contracts', {
  name: text().notNull(),
  fee: text(),
  ...templated<ContractParams>(() => contractTemplates),
})
/** Built-in rows with a restricted field beside those of the tenant. */
export const bands = resourceTable('bands', {
  name: text().notNull(),
  ceiling: text(),
  builtIn: boolean().notNull().default(false),
})

const found = { filter: true, sort: true } as const

export const BUILT_IN_CEILING = 'zebra-canary-built-in'

export const staff = [
  defineResource({ table: departments, fields: { name: found } }),
  defineResource({
    table: employees,
    compat: true,
    links: { skills: employeeSkills },
    operations: { clear: true },
    fields: {
      name: { search: true, ...found },
      salary: { restricted: true, description: 'Cents a month', ...found },
      note: { restricted: true, search: true, ...found },
      grade: { restricted: 'read', immutable: true, ...found },
      dossier: { restricted: true },
      badge: { restricted: 'write', ...found },
      rank: { restricted: 'write' },
      bossId: { restricted: true },
    },
    actions: {
      greet: { run: (ctx, row) => ctx.update(employees, row.id, { name: `${row.name}!` }) },
      look: { readOnly: true, run: async () => {} },
      raise: {
        input: z.object({ by: z.int() }),
        run: (ctx, row, { by }) => ctx.update(employees, row.id, { salary: (row.salary ?? 0) + by }),
      },
      /** What code reads in somebody's name, of all rows but its own. */
      gossip: {
        output: z.object({ heard: z.string() }),
        run: async (ctx, row) => ({
          heard: JSON.stringify((await ctx.list(employees)).filter((each) => each.id !== row.id)),
        }),
      },
    },
  }),
  defineResource({ table: payslips, fields: { month: found } }),
  defineResource({
    table: skills,
    fields: { name: found, cost: { restricted: true } },
    links: { employees: employeeSkills },
  }),
  defineResource({ table: employeeSkills }),
  defineResource({ table: contractTemplates, fields: { name: found, fee: { restricted: true, ...found } } }),
  defineResource({
    table: contracts,
    fields: { name: found, fee: { restricted: true, ...found } },
    template: { params: contractParams, shared: { usual: { name: 'Usual', defaults: { days: 10 } } } },
  }),
  defineResource({
    table: bands,
    fields: { name: found, ceiling: { restricted: true, ...found }, builtIn: { readOnly: true, filter: true } },
    builtIn: () => [{ key: 'top', values: { name: 'Top', ceiling: BUILT_IN_CEILING } }],
  }),
]

/** Models of rows: a right to all of them is none to any field. */
export const models = [
  'department',
  'employee',
  'payslip',
  'skill',
  'employeeSkill',
  'contractTemplate',
  'contract',
  'band',
] as const

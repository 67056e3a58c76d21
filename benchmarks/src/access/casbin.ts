import { newEnforcer, newModelFromString, type Enforcer } from 'casbin'
import { ROLES, roleName, roleRules } from './rules.ts'

const model = `
[request_definition]
r = sub, model, row, act

[policy_definition]
p = sub, model, row, act, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = r.model == p.model && r.act == p.act && (p.row == "*" || p.row == r.row) && g(r.sub, p.sub)
`

/** Everything in memory, deny over allow; the matcher asks for the cheap parts first. */
export async function casbinEnforcer(people: ReadonlyMap<string, readonly string[]>): Promise<Enforcer> {
  const enforcer = await newEnforcer(newModelFromString(model))
  await enforcer.addPolicies(roleRules.map(({ role, model: name, action }) => [role, name, '*', action, 'allow']))
  for (const [person, ids] of people) {
    await enforcer.addGroupingPolicies(Array.from({ length: ROLES }, (_, at) => [person, roleName(at)]))
    await enforcer.addPolicies(ids.map((id) => [person, 'project', id, 'read', 'allow']))
  }
  return enforcer
}

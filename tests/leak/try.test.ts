import { test } from 'vitest'
import { layeredPlatform, depot, testJournal, leakFuzzer, describeFindings, statementMutants, statementForm } from '@plinth/testing'
import { attackPolicyMutant, policyMutations, prepareForProbes, probePolicyMutant } from '../../packages/testing/src/leak/policy-mutants.ts'
const opts = { resources: depot, features: [testJournal({ listen: () => undefined })], rolePrefix: 'leak_' }
test.skip('policies', async () => {
  const t0 = performance.now()
  const policies = await layeredPlatform('policies', opts)
  const owner = await layeredPlatform('owner', opts)
  const out = []
  for (const m of await policyMutations(policies.platform.superuser, 'leak_app')) {
    const t=performance.now()
    out.push({...await attackPolicyMutant(m.layers === 'owner' ? owner : policies, m, 1500), ms: performance.now()-t})
  }
  console.table(out)
  console.log(performance.now() - t0)
  await prepareForProbes(policies, 'leak_app')
  await prepareForProbes(owner, 'leak_app')
  const out2 = []
  for (const m of await policyMutations(policies.platform.superuser, 'leak_app')) {
    const t=performance.now()
    out2.push({...await probePolicyMutant(m.layers === 'owner' ? owner : policies, m), ms: performance.now()-t})
  }
  console.table(out2)
  await policies.close(); await owner.close()
}, 220_000)
test('statements', async () => {
  const { writeFileSync } = await import('node:fs')
  const c = await layeredPlatform('conditions', opts)
  const t = performance.now()
  const r = await statementMutants(c.platform, c.driver)
  console.log(performance.now() - t, r.texts.size, r.mutants.length, r.requests, r.seconds, r.mutants.filter((m) => !m.noticed).length)
  writeFileSync('/tmp/w/mutants.json', JSON.stringify(r.mutants, null, 1))
  const forms = new Set([...r.texts].map(statementForm))
  writeFileSync('/tmp/w/forms.json', JSON.stringify([...forms], null, 1))
  await c.close()
}, 220_000)

import { report, serverSetting } from './child.ts'
import { connect, unparsed } from './connections.ts'
import { plainStatements, securedStatements } from './floor-statements.ts'
import { serveFloor } from './floor-http.ts'
import { tokenReader } from './tokens.ts'

const setting = serverSetting()
const connections = connect(setting.databaseUrl, unparsed)
const statements = setting.variant === 'secured' ? securedStatements(connections) : plainStatements(connections)
const { port, close } = await serveFloor(statements, tokenReader(setting.tenants))
report(port, async () => {
  close()
  await connections.end()
})

import { canaryCases } from './canary-cases.ts'

canaryCases('schema')

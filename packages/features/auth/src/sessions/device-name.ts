import { BROWSER_MAP, OS_MAP, parse } from 'bowser'

const unknown = 'Unknown device'
const maximum = 512

/**
 * What is put on the screen comes from these, never from the header itself: bowser hands on what stands before a slash, and
 * `Approved by your administrator/1 x` in a list of sessions would be words of whoever stole one.
 */
const browsers = new Set(Object.values(BROWSER_MAP).filter((name) => name !== 'Generic'))
const systems = new Set(Object.values(OS_MAP))

/** Programs, by how they call themselves; bowser knows browsers only. */
const programs: readonly (readonly [start: RegExp, name: string])[] = [
  [/^curl\//i, 'curl'],
  [/^wget\//i, 'Wget'],
  [/^httpie\//i, 'HTTPie'],
  [/^postmanruntime\//i, 'Postman'],
  [/^insomnia\//i, 'Insomnia'],
  [/^python-(requests|httpx)\/|^python-urllib\/|^aiohttp\//i, 'Python'],
  [/^go-http-client\//i, 'Go'],
  [/^(node|undici|axios\/|node-fetch)/i, 'Node.js'],
  [/^okhttp\//i, 'OkHttp'],
  [/^(java|apache-httpclient)\//i, 'Java'],
  [/^(powershell|mozilla\/5\.0 \(.*\) powershell)/i, 'PowerShell'],
]

/**
 * A name by which somebody recognises his device in the list of his sessions: `Firefox on Windows`, `Safari on iOS`, `curl`. It is
 * what the client says of itself and proves nothing.
 * @param userAgent the header (RFC 9110 §10.1.5); what stands behind 512 characters is not read
 * @returns `Unknown device` where nothing is recognised. Never throws.
 */
export function deviceName(userAgent: string | null | undefined): string {
  const text = userAgent?.slice(0, maximum).trim()
  if (!text) return unknown
  const program = programs.find(([start]) => start.test(text))
  if (program) return program[1]
  const { browser, system } = recognised(text)
  if (browser && system) return `${browser} on ${system}`
  return browser ?? system ?? unknown
}

function recognised(text: string): { browser?: string | undefined; system?: string | undefined } {
  try {
    const { browser, os } = parse(text)
    return {
      // "Samsung Internet for Android on Android" says it twice.
      browser: known(browsers, browser.name)?.replace(/ for \w+$/, ''),
      system: known(systems, os.name),
    }
  } catch {
    // It throws at what is empty to it; a sign-in must not fail because of a header.
    return {}
  }
}

const known = (names: ReadonlySet<string>, name: string | undefined): string | undefined =>
  name !== undefined && names.has(name) ? name : undefined

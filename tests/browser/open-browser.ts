import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

const path = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** @throws where there is none: who asks for these tests wants to know, not to see them pass over */
export async function openBrowser(): Promise<Browser> {
  if (!existsSync(path)) throw new Error(`there is no browser at ${path}: apt-get install chromium, or set CHROMIUM`)
  return chromium.launch({ executablePath: path, args: ['--no-sandbox'] })
}

export interface WatchedPage {
  readonly page: Page
  /** What a page must not do: errors, refused loads, requests to anywhere else. */
  readonly faults: string[]
  readonly requests: string[]
}

/** A page that is watched from its first byte on. */
export async function watchedPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const page = await browser.newPage(options)
  const faults: string[] = []
  const requests: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`thrown: ${error.message}`))
  page.on('request', (request) => {
    requests.push(request.url())
    // A blob is made by the page itself; ReDoc's search runs in one.
    if (
      !request
        .url()
        .replace(/^blob:/, '')
        .startsWith(`${origin}/`) &&
      !request.url().startsWith('data:')
    ) {
      faults.push(`asked elsewhere: ${request.url()}`)
    }
  })
  // Some refusals are reported to the document alone.
  await page.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
    console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sourceFile + ':' + event.lineNumber + ':' + event.columnNumber + ' ' + event.sample))`)
  return { page, faults, requests }
}

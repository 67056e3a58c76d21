import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { apiDocs } from '@plinth/api-docs'
import { defineResource, resourceTable } from '@plinth/core'
import { testPlatform, type Listening, type TestPlatform } from '@plinth/testing'
import { text } from 'drizzle-orm/pg-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBrowser, watchedPage } from './open-browser.ts'

const sites = resourceTable('sites', { name: text().notNull(), url: text() })
const site = defineResource({ table: sites, description: 'Web sites of clients', fields: { name: { search: true } } })

const pictures = process.env.SCREENSHOTS
/** Keeps a picture where somebody wants to look: `SCREENSHOTS=/tmp/shots npm run test:browser`. */
async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`) })
}

describe('the documentation in a browser', () => {
  let platform: TestPlatform
  let listening: Listening
  let browser: Browser
  let base: string
  beforeAll(async () => {
    const plinth = { basePath: '/tools', title: 'Lookout' }
    platform = await testPlatform({ resources: [site], features: [apiDocs()], plinth })
    listening = await platform.listen()
    base = `${listening.url}/tools`
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await listening?.close()
    await platform?.close()
  })

  test.each(['light', 'dark'] as const)(
    'Swagger UI renders every operation and asks nobody else (%s)',
    async (colorScheme) => {
      const { page, faults } = await watchedPage(browser, listening.url, { colorScheme })
      await page.goto(`${base}/docs`)
      await page.waitForSelector('.opblock')
      const listed = platform.plinth.routes.filter((route) => !route.unlisted).length
      await expect.poll(() => page.locator('.opblock').count()).toBe(listed)
      await picture(page, `docs-${colorScheme}`)
      await page.locator('#operations-site-createSite .opblock-summary-control').click()
      await page.waitForSelector('#operations-site-createSite .opblock-body .responses-table')
      await page.locator('#operations-site-createSite').scrollIntoViewIfNeeded()
      await picture(page, `docs-open-${colorScheme}`)
      expect(faults).toEqual([])
      await page.close()
    },
  )

  test('"Authorize" and "Try it out" create a row, and leave the token nowhere', async () => {
    const { page, faults, requests } = await watchedPage(browser, listening.url)
    const { token } = platform.a.actors.full
    await page.goto(`${base}/api/v1/docs`)
    await page.locator('.auth-wrapper .authorize').first().click()
    await page.locator('.auth-container input').first().fill(token)
    await page.locator('.auth-btn-wrapper .authorize').first().click()
    await page.locator('.auth-btn-wrapper .btn-done').click()
    await page.locator('#operations-site-createSite .opblock-summary-control').click()
    await page.locator('#operations-site-createSite .try-out__btn').click()
    await page.locator('#operations-site-createSite textarea').first().fill('{"name":"Made in the browser"}')
    await page.locator('#operations-site-createSite .execute').click()
    const status = page.locator('#operations-site-createSite .live-responses-table .response-col_status').nth(1)
    await expect.poll(() => status.textContent()).toContain('201')
    await picture(page, 'docs-tried')
    const rows = (await platform.request(platform.a.actors.full, 'GET', '/tools/api/v1/sites')).json
    expect(rows).toMatchObject({ data: [{ name: 'Made in the browser' }] })
    expect(faults).toEqual([])
    expect(requests.join()).not.toContain(token)
    const kept = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])')
    expect(kept).toBe('[{},{},""]')
    await page.close()
  })

  test('a stranger cannot put a document of his on our address', async () => {
    const { page, requests } = await watchedPage(browser, listening.url)
    await page.goto(`${base}/docs?url=${listening.url}/evil.json&configUrl=${listening.url}/evil-config.json`)
    await page.waitForSelector('.opblock')
    expect(requests.filter((url) => url.includes('/evil') && !url.includes('/docs?'))).toEqual([])
    await page.close()
  })

  test.each(['desktop', 'phone'] as const)('ReDoc renders every operation and asks nobody else (%s)', async (size) => {
    const viewport = size === 'phone' ? { width: 390, height: 800 } : { width: 1300, height: 900 }
    const { page, faults } = await watchedPage(browser, listening.url, { viewport })
    await page.goto(`${base}/redoc`)
    await page.waitForSelector('[data-section-id]')
    const text = await page.locator('#docs').innerText()
    for (const route of platform.plinth.routes.filter((each) => !each.unlisted)) expect(text).toContain(route.summary)
    await picture(page, `redoc-${size}`)
    if (size === 'desktop') {
      await page.locator('input[placeholder^=Search]').fill('Create')
      await expect.poll(() => page.locator('[role=search]').innerText()).toContain('Create a site')
    }
    expect(faults).toEqual([])
    await page.close()
  })

  test.each(['light', 'dark'] as const)('the pages of errors need no script (%s)', async (colorScheme) => {
    const context = { javaScriptEnabled: false, colorScheme, viewport: { width: 375, height: 720 } }
    const { page, faults } = await watchedPage(browser, listening.url, context)
    await page.goto(`${base}/docs/errors`)
    await page.getByRole('link', { name: 'version_mismatch' }).click()
    await page.getByRole('heading', { name: 'The row has changed since you read it' }).waitFor()
    expect(await page.locator('body').evaluate((body) => body.scrollWidth)).toBe(375)
    await picture(page, `error-${colorScheme}`)
    expect(faults).toEqual([])
    await page.close()
  })
})

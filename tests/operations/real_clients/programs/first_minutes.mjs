// The first five minutes of the README in a real browser: a page with the form and the snippet, the form as
// a page of its own, and what each source sent. Takes pictures of what a person would see.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const told = JSON.parse(process.argv[2])
const files = { '/': [told.page, 'text/html; charset=utf-8'], '/analytics.min.js': [told.analytics, 'text/javascript'] }
const site = createServer((request, response) => {
  const found = files[request.url.split('?')[0]]
  response.writeHead(found ? 200 : 404, { 'content-type': found?.[1] ?? 'text/plain' })
  response.end(found ? readFileSync(found[0]) : '')
})
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))

const browser = await chromium.launch({ executablePath: told.chromium, args: ['--no-sandbox'] })
const page = await browser.newPage({ viewport: { width: 900, height: 760 } })
const problems = []
page.on('pageerror', (error) => problems.push(String(error)))
page.on('response', (answer) => {
  const isIcon = answer.url().endsWith('/favicon.ico') // browsers ask for one by themselves
  if (answer.status() >= 400 && !isIcon) problems.push(`${answer.status()} ${answer.url()}`)
})
const picture = (name) => page.screenshot({ path: `${told.pictures}/${name}.png` })
const fill = async (person) => {
  for (const [name, value] of Object.entries(person)) await page.fill(`[name=${name}]`, value)
}

const counted = page.waitForResponse((answer) => answer.url().endsWith('/v1/p'))
await page.goto(`http://127.0.0.1:${site.address().port}/?utm_source=google&utm_medium=cpc&gclid=x`)
const view = await (await counted).json()
await page.waitForSelector('form [name=_anonymous_id]', { state: 'attached' })
await fill(told.person)
await page.check('[name=consent_email]')
await picture('1-form-on-a-page')
await Promise.all([page.waitForNavigation(), page.click('button')])
const thanks = await page.textContent('body')
await picture('2-thanks')

await page.goto(`${told.address}/f/${told.key}/contact_us?lang=zh`)
await picture('3-hosted-page')
await Promise.all([page.waitForNavigation(), fill(told.another).then(() => page.click('button'))])
const thanksInChinese = await page.textContent('body')

await page.setViewportSize({ width: 1280, height: 760 })
await page.goto(`${told.address}/sources`)
await page.fill('#token', told.token)
await page.click('#door button')
await page.waitForSelector('#found:not([hidden])')
for (let look = 0; look < 60; look++) {
  const text = await page.textContent('#found')
  if (text.includes('website') && text.includes('ads')) break
  await page.waitForTimeout(500)
}
await page.waitForTimeout(told.settling * 1000)
await page.reload()
await page.waitForTimeout(1500)
await picture('4-sources')
const sources = await page.textContent('#found')
await browser.close()
site.close()
console.log(JSON.stringify({ view, thanks, thanksInChinese, sources, problems }))

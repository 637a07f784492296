// SDKs and forms in a page of headless Chromium; the page comes from another origin than the front door.
import { build } from 'esbuild'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const told = JSON.parse(process.argv[2])
const bundle = await build({
  entryPoints: [`page_${told.page}.mjs`], bundle: true, write: false, format: 'iife', logLevel: 'error',
  define: { 'process.env.NODE_ENV': '"production"' },
})
const script = bundle.outputFiles[0].text
const site = createServer((request, response) => {
  const isScript = request.url === '/page.js'
  response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html; charset=utf-8' })
  response.end(isScript ? script : '<!doctype html><title>Pricing</title><script src="/page.js"></script>')
})
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))

const browser = await chromium.launch({ executablePath: told.chromium, args: ['--no-sandbox'] })
const page = await browser.newPage()
const problems = []
page.on('pageerror', (error) => problems.push(String(error)))
await page.goto(`http://127.0.0.1:${site.address().port}/pricing?utm_source=google&utm_medium=cpc&gclid=x`)
const result = await page.evaluate((given) => globalThis.run(given), told)
await page.waitForTimeout(told.linger * 1000)
await browser.close()
site.close()
console.log(JSON.stringify({ ...result, failed: [...(result.failed ?? []), ...problems] }))

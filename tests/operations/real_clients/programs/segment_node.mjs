// Segment's SDK for Node.
import { Analytics } from '@segment/analytics-node'
import { setTimeout as sleep } from 'node:timers/promises'

const told = JSON.parse(process.argv[2])
const failed = []
const analytics = new Analytics({ writeKey: told.key, host: told.address })
analytics.on('error', (error) => failed.push(String(error.reason ?? error.code ?? error)))

const user = `${told.name}-user`
const sent = (send) => new Promise((resolve) => send((error, context) => resolve(context.event.messageId)))
const people = [sent((done) => analytics.identify({ userId: user, traits: { email: `${user}@example.com` } }, done))]
const acts = []
for (let number = 0; number < told.count; number++) {
  await sleep((told.seconds * 1000) / told.count)
  acts.push(sent((done) => analytics.track({ userId: user, event: 'Part Viewed', properties: { number } }, done)))
}
await analytics.closeAndFlush({ timeout: 120_000 })
console.log(JSON.stringify({ people: await Promise.all(people), acts: await Promise.all(acts), failed }))

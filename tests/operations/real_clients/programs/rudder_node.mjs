// RudderStack's SDK for Node. It gives an event up after three tries within two seconds.
import RudderAnalytics from '@rudderstack/rudder-sdk-node'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

const told = JSON.parse(process.argv[2])
const failed = []
const client = new RudderAnalytics(told.key, { dataPlaneUrl: told.address, logLevel: 'error' })
const report = (error) => { if (error) failed.push(String(error.message ?? error)) }

const user = `${told.name}-user`
const people = [randomUUID()]
client.identify({ userId: user, traits: { email: `${user}@example.com` }, messageId: people[0] }, report)
const acts = []
for (let number = 0; number < told.count; number++) {
  await sleep((told.seconds * 1000) / told.count)
  const messageId = randomUUID()
  acts.push(messageId)
  client.track({ userId: user, event: 'Part Viewed', properties: { number }, messageId }, report)
}
await client.flush().catch(report)
console.log(JSON.stringify({ people, acts, failed }))
process.exit(0)

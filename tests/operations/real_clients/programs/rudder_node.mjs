// RudderStack's SDK for Node. It gives an event up after three tries within two seconds.
import RudderAnalytics from '@rudderstack/rudder-sdk-node'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

const told = JSON.parse(process.argv[2])
const failed = []
const client = new RudderAnalytics(told.key, { dataPlaneUrl: told.address, logLevel: 'error' })
// the SDK calls back once a message is delivered or given up; flush() alone does not wait for batches on their way
const delivered = (send) => new Promise((resolve) => send((error) => {
  if (error) failed.push(String(error.message ?? error))
  resolve()
}))

const user = `${told.name}-user`
const people = [randomUUID()]
const waiting = [delivered((done) => client.identify(
  { userId: user, traits: { email: `${user}@example.com` }, messageId: people[0] }, done))]
const acts = []
for (let number = 0; number < told.count; number++) {
  await sleep((told.seconds * 1000) / told.count)
  const messageId = randomUUID()
  acts.push(messageId)
  waiting.push(delivered((done) => client.track(
    { userId: user, event: 'Part Viewed', properties: { number }, messageId }, done)))
}
await client.flush().catch((error) => failed.push(String(error.message ?? error)))
await Promise.all(waiting)
console.log(JSON.stringify({ people, acts, failed }))
process.exit(0)

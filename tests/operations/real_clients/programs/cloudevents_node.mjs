// The CloudEvents SDK for Node, with its own HTTP transport: chunked bodies, and nothing is sent twice.
import { CloudEvent, Mode, emitterFor, httpTransport } from 'cloudevents'
import { setTimeout as sleep } from 'node:timers/promises'

const told = JSON.parse(process.argv[2])
const failed = []
const transport = httpTransport(`${told.address}/?writeKey=${told.key}`)
const emitters = [Mode.STRUCTURED, Mode.BINARY].map((mode) => emitterFor(transport, { mode }))

async function send(number, type, data) {
  const event = new CloudEvent({
    id: `${told.name}-${number}`, source: '/shop', type, subject: `user/${told.name}-user`, data,
  })
  const answer = await emitters[number % 2](event).catch((error) => ({ body: String(error) }))
  if (!/"success":\s*true/.test(answer.body)) failed.push(answer.body.slice(0, 200))
  return event.id
}

const people = [await send(0, 'com.example.lead.captured', { email: `${told.name}@example.com` })]
const acts = []
for (let number = 1; number <= told.count; number++) {
  await sleep((told.seconds * 1000) / told.count)
  acts.push(await send(number, 'com.example.part.viewed', { number }))
}
console.log(JSON.stringify({ people, acts, failed }))

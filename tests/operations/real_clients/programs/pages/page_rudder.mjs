// RudderStack's SDK in a page; `told.options` says how it sends.
import { RudderAnalytics } from '@rudderstack/analytics-js/bundled'

globalThis.run = async (told) => {
  const client = new RudderAnalytics()
  client.load(told.key, told.address, { configUrl: told.address, ...told.options })
  await new Promise((resolve) => client.ready(resolve))
  const user = `${told.name}-user`
  const sent = (send) => new Promise((resolve) => send((event) => resolve(event.messageId)))
  const people = [sent((done) => client.identify(user, { email: `${user}@example.com` }, {}, done))]
  const acts = []
  for (let number = 0; number < told.count; number++) {
    await new Promise((resolve) => setTimeout(resolve, (told.seconds * 1000) / told.count))
    acts.push(sent((done) => client.track('Part Viewed', { number }, {}, done)))
  }
  return { people: await Promise.all(people), acts: await Promise.all(acts) }
}

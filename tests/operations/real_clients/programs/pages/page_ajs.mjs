// What both generations of analytics.js are asked to do.
export async function runAnalyticsJs(AnalyticsBrowser, told) {
  const host = new URL(told.address).host
  const analytics = AnalyticsBrowser.load(
    { writeKey: told.key, cdnURL: told.address },
    { integrations: { 'Segment.io': { apiHost: `${host}/v1`, protocol: 'http', ...told.delivery } } },
  )
  const user = `${told.name}-user`
  const idOf = (context) => context.event.messageId
  const people = [analytics.identify(user, { email: `${user}@example.com` }).then(idOf)]
  const acts = []
  for (let number = 0; number < told.count; number++) {
    await new Promise((resolve) => setTimeout(resolve, (told.seconds * 1000) / told.count))
    acts.push(analytics.track('Part Viewed', { number }).then(idOf))
  }
  return { people: await Promise.all(people), acts: await Promise.all(acts) }
}

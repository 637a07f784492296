// A page without any SDK: navigator.sendBeacon, which tells nobody how it went and never sends again.
globalThis.run = async (told) => {
  const address = `${told.address}/v1/batch?writeKey=${told.key}`
  const user = `${told.name}-user`
  const failed = []
  const send = (item) => {
    const messageId = crypto.randomUUID()
    if (!navigator.sendBeacon(address, JSON.stringify({ batch: [{ ...item, userId: user, messageId }] }))) failed.push(messageId)
    return messageId
  }
  const people = [send({ type: 'identify', traits: { email: `${user}@example.com` } })]
  const acts = []
  for (let number = 0; number < told.count; number++) {
    await new Promise((resolve) => setTimeout(resolve, (told.seconds * 1000) / told.count))
    acts.push(send({ type: 'track', event: 'Part Viewed', properties: { number } }))
  }
  return { people, acts, failed }
}

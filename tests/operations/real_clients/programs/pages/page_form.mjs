// HTML forms as a person sends them: the browser navigates, follows the redirect, and never sends again.
globalThis.run = async (told) => {
  const people = []
  const failed = []
  const every = (told.seconds * 1000) / told.count
  for (let number = 0; number < told.count; number++) {
    const began = Date.now()
    const frame = document.createElement('iframe')
    const key = `${told.name}-${number}`
    frame.name = key
    document.body.append(frame)
    const form = document.createElement('form')
    form.method = 'post'
    form.action = `${told.address}/f/${told.key}`
    form.target = key
    for (const [name, value] of [['email', `${key}@example.com`], ['website', ''], ['_idempotency_key', key]]) {
      form.append(Object.assign(document.createElement('input'), { name, value, type: 'hidden' }))
    }
    document.body.append(form)
    const led = new Promise((resolve) => frame.addEventListener('load', resolve))
    form.submit()
    await led
    people.push(key)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, every - (Date.now() - began))))
    frame.remove()
    form.remove()
  }
  return { people, acts: people, failed }
}

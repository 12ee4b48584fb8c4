// How a tour of an official client tells what became of each call: one line of JSON per call.

const say = (call, ok, said = '') => console.log(JSON.stringify({ call, ok, said: String(said).slice(0, 600) }))

export async function call(name, act) {
  try {
    const value = await act()
    say(name, true)
    return value
  } catch (error) {
    say(name, false, `${error.name}: ${error.message} ${JSON.stringify(error.response?.data ?? '')}`)
    return undefined
  }
}

export const expect = (name, isSo) => say(name, Boolean(isSo), isSo ? '' : 'is not so')

export async function refused(name, act, status, code) {
  try {
    await act()
    say(name, false, 'was not refused')
  } catch (error) {
    const seen = [error.status ?? error.response?.status, error.code ?? error.response?.data?.code]
    const body = error.response?.data?.code ?? error.code
    const ok = seen[0] === status && Number(body) === code
    say(name, ok, ok ? '' : `${error.name} ${seen} ${body}`)
  }
}

export async function until(look, isSo, most = 30000) {
  const end = Date.now() + most
  for (;;) {
    const seen = await look()
    if (isSo(seen) || Date.now() > end) return seen
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

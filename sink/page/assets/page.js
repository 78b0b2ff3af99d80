// What makes the pages move: live cells, slices opening in place, keys. Every page works without it.
// Plain ES module, no dependency. The server sends finished texts and coordinates; nothing is formatted here.

const $ = (selector, root = document) => root.querySelector(selector)
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)]
const main = $('main')
const status = $('#status') // the one polite status line

const say = text => { if (status && status.textContent !== text) status.textContent = text }

// ---- Cells ---------------------------------------------------------------------------------------------------------
// An element with data-f="field" inside one with data-k="key" is a cell. Some fields are attributes of a drawing.

const attributes = { bar: 'd', whisker: 'd', point: 'd', limit: 'd', done: 'width', alt: 'aria-label' }

function patchField(root, name, text) {
  for (const el of $$(`[data-f="${name}"]`, root)) {
    if (el.parentElement.closest('[data-k]') !== root) continue
    const attribute = attributes[name]
    if (attribute) {
      if (el.getAttribute(attribute) !== text) el.setAttribute(attribute, text)
    } else if (el.textContent !== text) {
      el.textContent = text
      if (el.dataset.still === undefined) flash(el)
    }
  }
}

function flash(el) {
  el.classList.remove('changed')
  void el.offsetWidth // restart the animation
  el.classList.add('changed')
}

// A state is a word, a shape and a colour: the colour and the shape follow data-state.
function patchState(root, name, word) {
  for (const el of [root, ...$$('[data-state-of]', root)]) {
    if (el.dataset.stateOf !== name || el.dataset.state === word) continue
    if (el !== root && el.parentElement.closest('[data-k]') !== root) continue
    el.dataset.state = word
    if (el === root) continue
    $('use[data-shape]', el)?.setAttribute('href', '#i-' + word)
    if (name !== 'state') say(el.textContent.trim())
  }
}

function apply(cells) {
  for (const [key, fields] of Object.entries(cells)) {
    for (const root of $$(`[data-k="${CSS.escape(key)}"]`)) {
      for (const [name, text] of Object.entries(fields)) {
        patchField(root, name, text)
        patchState(root, name, text)
      }
    }
  }
}

// ---- Fetching parts of a page anew ---------------------------------------------------------------------------------

let refreshing = null
let again = false

// refresh asks the server for this page and puts its main in place of ours: when its shape changed, on pages that poll,
// and after something was opened. The focus and the scroll position stay.
async function refresh(url = location.href) {
  if (refreshing) { again = true; return refreshing }
  refreshing = (async () => {
    const answer = await fetch(url, { headers: { Accept: 'text/html' }, cache: 'no-cache' })
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`)
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    swap(fresh)
  })()
  try { await refreshing } finally {
    refreshing = null
    if (again) { again = false; refresh() }
  }
}

// path says where an element is, so that it can be found again in the new content.
function pathOf(el) {
  if (!el || !main.contains(el) || el === main) return null
  if (el.id) return '#' + CSS.escape(el.id)
  const row = el.closest('[data-k]')
  const where = row && row !== main ? `[data-k="${CSS.escape(row.dataset.k)}"]` : 'main'
  if (el.dataset.act) return `${where} [data-act="${el.dataset.act}"]`
  if (el === row) return where
  return null
}

function swap(fresh) {
  const incoming = $('main', fresh)
  if (!incoming) return
  const focused = pathOf(document.activeElement)
  const open = $$('details[open]', main).map(d => d.id).filter(Boolean)
  const at = $('tr.at', main)?.dataset.k
  document.title = fresh.title
  const nav = $('.nav'), freshNav = $('.nav', fresh)
  if (nav && freshNav && nav.innerHTML !== freshNav.innerHTML) nav.replaceChildren(...freshNav.childNodes)
  if (main.innerHTML === incoming.innerHTML) return
  const live = main.dataset.live
  for (const { name, value } of incoming.attributes) main.setAttribute(name, value)
  main.replaceChildren(...incoming.childNodes)
  for (const id of open) { const d = document.getElementById(id); if (d) d.open = true }
  if (at) $(`tr[data-k="${CSS.escape(at)}"]`)?.classList.add('at')
  if (focused) $(focused)?.focus({ preventScroll: true })
  enhance()
  if (main.dataset.live !== live) start() // other rows are open now
}

// ---- Live ----------------------------------------------------------------------------------------------------------

const memory = {
  get(name) { try { return sessionStorage.getItem(name) } catch { return null } },
  set(name, value) { try { sessionStorage.setItem(name, value) } catch { /* private window */ } },
}

let source = null // EventSource of an experiment's page
let timer = null // of a page that polls
let heard = 0 // when the server was last heard of
let every = memory.get('every') || '1s'

function mark(state) {
  const el = $('.live')
  if (!el) return
  el.hidden = false
  if (el.dataset.state !== state) {
    el.dataset.state = state
    const word = { live: 'Live', paused: 'Paused', lost: 'Connection lost' }[state]
    $('.word', el).textContent = word
    say(state === 'lost' ? 'Connection lost. The numbers stand still; trying again.' : word)
  }
}

function stop() {
  source?.close()
  source = null
  clearInterval(timer)
  timer = null
}

const seconds = text => 1000 * parseInt(text, 10)

function start() {
  stop()
  if (!$('.live')) return
  if (every === 'paused') return mark('paused')
  if (document.hidden) return
  const live = main.dataset.live
  if (!live) return poll()
  const url = new URL(live, location.href)
  url.searchParams.set('every', every)
  source = new EventSource(url)
  source.onopen = () => { heard = Date.now(); mark('live') }
  source.onerror = () => {
    mark('lost')
    // A refused stream (too many clients, gone) is not tried again by the browser: poll until it is back.
    if (source?.readyState === EventSource.CLOSED) { stop(); poll(); setTimeout(() => { if (every !== 'paused') start() }, 15000) }
  }
  source.addEventListener('cells', event => {
    heard = Date.now()
    mark('live')
    const { c } = JSON.parse(event.data)
    const shape = c['@']?.shape
    if (shape && main.dataset.shape && shape !== main.dataset.shape) {
      main.dataset.shape = shape
      refresh().catch(() => mark('lost'))
      return
    }
    apply(c)
    const slices = c['@']?.slices
    if (slices && main.dataset.slices !== slices) {
      if ($('tr.slice', main)) moved()
      else main.dataset.slices = slices
    }
  })
}

function poll() {
  const look = () => refresh().then(() => mark('live'), () => mark('lost'))
  timer = setInterval(look, Math.max(seconds(every), 2000))
  mark('live')
}

// moved offers to fetch open slices anew when rows came, went or changed places; they never move by themselves.
function moved() {
  if ($('.pill')) return
  const pill = document.createElement('button')
  pill.className = 'pill'
  pill.textContent = 'Slices changed: show the new order'
  pill.onclick = () => { pill.remove(); refresh() }
  document.body.append(pill)
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return stop()
  start()
  if (every !== 'paused' && main.dataset.live) refresh().catch(() => mark('lost'))
})

function setEvery(value) {
  every = value
  memory.set('every', value)
  const select = $('.live select')
  if (select) select.value = value
  start()
  say(value === 'paused' ? 'Paused' : `Live, every ${parseInt(value, 10)} seconds`)
}

// ---- Opening in place ----------------------------------------------------------------------------------------------

async function go(href) {
  history.replaceState(null, '', href)
  await refresh(href).catch(() => { location.href = href })
}

document.addEventListener('click', event => {
  const link = event.target.closest('a[data-act]')
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
  event.preventDefault()
  $('.pill')?.remove()
  go(link.href)
})

document.addEventListener('change', event => {
  if (event.target.closest('.live')) return setEvery(event.target.value)
  const form = event.target.closest('form[data-act]')
  if (!form) return
  const url = new URL(form.action)
  for (const [name, value] of new FormData(form)) if (value) url.searchParams.append(name, value)
  go(url.href)
})

// ---- Keys ----------------------------------------------------------------------------------------------------------

const rows = () => $$('tr[data-row]', main)

function walk(step) {
  const all = rows()
  if (!all.length) return
  const now = all.findIndex(r => r.classList.contains('at'))
  const next = all[Math.min(all.length - 1, Math.max(0, now + step))] || all[0]
  all[now]?.classList.remove('at')
  next.classList.add('at')
  const link = $('a', next)
  link?.focus({ preventScroll: true })
  next.scrollIntoView({ block: 'nearest' })
}

function toggle(open) {
  const link = $('tr.at a[data-act=open]', main)
  if (link && (link.getAttribute('aria-expanded') === 'true') !== open) link.click()
}

const keys = {
  j: () => walk(1),
  k: () => walk(-1),
  ArrowRight: () => toggle(true),
  ArrowLeft: () => toggle(false),
  s: () => $('#by')?.focus(),
  ' ': () => setEvery(every === 'paused' ? '1s' : 'paused'),
  '?': () => $('#help')?.showModal(),
}

document.addEventListener('keydown', event => {
  if (event.metaKey || event.ctrlKey || event.altKey) return
  if (event.target.closest('input, select, textarea, dialog')) return
  if (event.key === ' ' && event.target.closest('button, summary')) return
  const act = keys[event.key]
  if (!act || (event.key.startsWith('Arrow') && !$('tr.at', main))) return
  event.preventDefault()
  act()
})

document.addEventListener('focusin', event => {
  const row = event.target.closest('tr[data-row]')
  if (!row) return
  $('tr.at', main)?.classList.remove('at')
  row.classList.add('at')
})

// ---- Start ---------------------------------------------------------------------------------------------------------

function enhance() {
  const live = $('.live')
  if (!live) return
  live.hidden = false
  $('select', live).value = every
  mark(every === 'paused' ? 'paused' : source || timer ? 'live' : live.dataset.state || 'live')
}

for (const button of $$('[data-help]')) { button.hidden = false; button.onclick = () => $('#help').showModal() }
enhance()
start()

// A stream that is open but silent is as good as lost: the server sends something at least every 15 seconds, and the
// freshness of the data every few.
setInterval(() => { if (source && source.readyState === EventSource.OPEN && Date.now() - heard > 40000) { mark('lost'); start() } }, 5000)

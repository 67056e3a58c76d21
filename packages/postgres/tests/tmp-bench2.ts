const parts = Array.from({ length: 12 }, (_, i) => 'x'.repeat(270) + i)
const build = () => { let s = ''; for (const p of parts) s += p; return s }
const set = new Set([build()]); const map: Record<string, number> = { [build()]: 1 }
const N = 100_000
function time(name: string, f: () => unknown) { for (let i = 0; i < 20000; i++) f(); const t = performance.now(); let k = 0; for (let i = 0; i < N; i++) if (f()) k++; console.log(name, ((performance.now() - t) / N * 1000).toFixed(2), 'µs') }
time('build', () => build().length)
time('build + flatten (charCodeAt)', () => build().charCodeAt(2000))
time('build + set.has', () => set.has(build()))
time('build + object lookup', () => map[build()])
const flat = build(); map[flat]
time('flat set.has', () => set.has(flat))
time('types + flat, object lookup', () => map['' + [0,0,0,0] + flat] === undefined)
time('template join', () => parts.join('').length)
time('template join set.has', () => set.has(parts.join('')))

import { createHash } from 'node:crypto'

/** In the page itself: one answer is the whole page, and the policy admits this text alone, by its hash. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d8dee4; --paper: #fff; --sheet: #f6f8fa; --link: #0757b5; --mark: #8a3b00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --paper: #0d1117; --sheet: #161b22; --link: #6cb0ff; --mark: #ffb77c }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: break-word }
header, main, footer { max-width: 46rem; margin: 0 auto; padding: 0 1.25rem }
header { padding-top: 1.5rem; color: var(--soft); font-size: .9rem }
footer { margin-top: 3rem; padding-top: 1rem; padding-bottom: 3rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem }
h1 { margin: 1.5rem 0 .5rem; font-size: clamp(1.6rem, 5vw, 2.2rem); line-height: 1.2; text-wrap: balance }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.05rem }
p { margin: .5rem 0; max-width: 40rem }
a { color: var(--link); text-underline-offset: .2em }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
code, pre { font: .9em/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
p code, li code { padding: .1em .35em; border-radius: .3em; background: var(--sheet) }
pre { margin: .75rem 0; padding: 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; background: var(--sheet) }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; color: var(--soft) }
.status { padding: .1rem .6rem; border: 1px solid currentcolor; border-radius: 1rem; color: var(--mark); font-size: .9rem; font-weight: 600; white-space: nowrap }
ul { margin: .5rem 0; padding: 0; list-style: none }
li { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .5rem 0; border-top: 1px solid var(--line) }
li a { flex: 0 0 17rem; text-decoration: none; font: .9em/1.7 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
li a:hover { text-decoration: underline; text-underline-offset: .4em }
li span { flex: 1 1 14rem }
@media (max-width: 34rem) { li a { flex-basis: 100% } }
`

export const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`

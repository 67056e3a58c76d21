import { createHash } from 'node:crypto'

/** The look of small pages: one card, light or dark as its reader is. */
export const cardStyle = `
:root{color-scheme:light dark;--ink:light-dark(#17202a,#e8edf2);--paper:light-dark(#f6f7f9,#12171c);--card:light-dark(#fff,#1b2229);--line:light-dark(#d5dae0,#37424d);--accent:light-dark(#1f5fbf,#7fb0ff)}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{width:min(24rem,calc(100vw - 2rem));padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
h1{margin:0 0 1.25rem;font-size:1.35rem}label{display:block;margin-top:1rem;font-weight:600}small{font-weight:400;opacity:.75}
input{width:100%;margin-top:.25rem;padding:.6rem .7rem;border:1px solid var(--line);border-radius:8px;background:transparent;color:inherit;font:inherit}
input:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:1px}
button{width:100%;margin-top:1.5rem;padding:.7rem;border:0;border-radius:8px;background:var(--accent);color:light-dark(#fff,#0b1220);font:inherit;font-weight:600;cursor:pointer}
button.other{margin-top:.75rem;border:1px solid var(--line);background:transparent;color:inherit}
p[role=alert]{margin:0 0 1rem;padding:.6rem .8rem;border-left:4px solid #c2352b;background:light-dark(#fdecea,#3a1f1d);border-radius:4px}
p[role=status]:empty{display:none}p[role=status]{margin:1rem 0 0;padding:.6rem .8rem;border-left:4px solid var(--accent);border-radius:4px}p[role=status].wrong{border-color:#c2352b;background:light-dark(#fdecea,#3a1f1d)}a{color:var(--accent)}details{margin-top:1.5rem}summary{cursor:pointer}`

/** For a content security policy: this text and no other. */
export const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

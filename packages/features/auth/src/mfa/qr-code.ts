import { encode } from 'uqr'

/**
 * A QR code (ISO/IEC 18004) as SVG: black on its own white ground with the margin of four modules that readers need, so that it
 * is read on dark pages too. It grows with the box that it is put in. Nothing of the text stands in the markup.
 * @param text at most 1,200 bytes
 * @throws RangeError where it is longer
 */
export function qrSvg(text: string): string {
  if (Buffer.byteLength(text) > 1200) throw new RangeError('the text is too long for a QR code that a phone can read')
  const { data, size } = encode(text, { ecc: 'M', border: 4 })
  // One path of runs: a square for each module, as uqr draws it, is four times the size.
  const runs = data.flatMap((row, y) => runsOf(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`))
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges" role="img" aria-label="QR code">` +
    `<path fill="#fff" d="M0 0h${size}v${size}h-${size}z"/><path fill="#000" d="${runs.join('')}"/></svg>`
  )
}

/** Where black begins in a row, and for how many modules. */
function runsOf(row: readonly boolean[]): [start: number, length: number][] {
  const runs: [number, number][] = []
  row.forEach((black, x) => {
    const last = runs.at(-1)
    if (!black) return
    if (last && last[0] + last[1] === x) last[1]++
    else runs.push([x, 1])
  })
  return runs
}

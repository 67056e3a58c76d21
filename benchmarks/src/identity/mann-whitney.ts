/**
 * The chance that a value of `left` is larger than one of `right`, ties counted half: the area under the curve of the best guess by
 * this one value. 0.5: nothing can be told. Below 0.5 it is turned round, for a guesser would.
 */
export function areaUnderCurve(left: readonly number[], right: readonly number[]): number {
  const all = [...left.map((value) => ({ value, left: true })), ...right.map((value) => ({ value, left: false }))].sort(
    (a, b) => a.value - b.value,
  )
  let ranks = 0
  for (let from = 0; from < all.length;) {
    let to = from
    while (to < all.length && all[to]!.value === all[from]!.value) to += 1
    const rank = (from + 1 + to) / 2
    for (let at = from; at < to; at += 1) if (all[at]!.left) ranks += rank
    from = to
  }
  const area = (ranks - (left.length * (left.length + 1)) / 2) / (left.length * right.length)
  return Math.max(area, 1 - area)
}

/** An import statement of a file that `init` writes; put together from words, so that it is not taken for one of this package. */
export function importLine(names: string, module: string): string {
  return ['import', names, 'from', `'${module}'`].join(' ')
}

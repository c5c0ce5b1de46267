/** The program at `path`, without its extension, from the module at `moduleUrl`: compiled where that one is, else TypeScript. */
export function programFile(moduleUrl: string, path: string): URL {
  const extension = moduleUrl.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`${path}.${extension}`, moduleUrl);
}

/** The program of a thread that lies beside the module at `moduleUrl`: compiled where that one is, else TypeScript. */
export function threadFile(moduleUrl: string, name: string): URL {
  const extension = moduleUrl.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, moduleUrl);
}

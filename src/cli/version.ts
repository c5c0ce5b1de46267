import { existsSync, readFileSync } from 'node:fs';

/** Version of this package: its manifest lies two folders up from the sources, three from what is built. */
export function version(): string {
  const places = ['../../package.json', '../../../package.json'].map(path => new URL(path, import.meta.url));
  const manifest = places.find(place => existsSync(place));
  if (manifest === undefined) return 'unknown';
  return String((JSON.parse(readFileSync(manifest, 'utf8')) as { version?: unknown }).version ?? 'unknown');
}

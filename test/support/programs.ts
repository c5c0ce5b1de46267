import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether every program that a suite needs is on PATH. A developer's machine may lack some: the suite is then skipped,
 * and says so on standard error. Under CI=true a skipped suite would be a hole nobody sees, so it throws.
 */
export function requirePrograms(name: string, programs: string[]): boolean {
  const missing = programs.filter(program => !isOnPath(program));
  if (missing.length === 0) return true;
  if (process.env['CI'] === 'true')
    throw new Error(`${name} needs ${missing.join(', ')}, which CI must install`);
  process.stderr.write(`SKIPPED ${name}: missing ${missing.join(', ')}\n`);
  return false;
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .some(folder => folder !== '' && isExecutable(join(folder, program)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Absent or not ours to run: either way this folder does not have the program.
    return false;
  }
}

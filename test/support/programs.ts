import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether every program that a suite needs is on PATH, and every module of Kamailio (`kamailio/tls.so`) and every header (`openssl/ssl.h`) installed. A developer's machine may lack some: the suite is then skipped,
 * and says so on standard error. Under CI=true a skipped suite would be a hole nobody sees, so it throws.
 */
export function requirePrograms(name: string, programs: string[]): boolean {
  const missing = programs.filter(program => !isThere(program));
  if (missing.length === 0) return true;
  if (process.env['CI'] === 'true')
    throw new Error(`${name} needs ${missing.join(', ')}, which CI must install`);
  process.stderr.write(`SKIPPED ${name}: missing ${missing.join(', ')}\n`);
  return false;
}

/** A program, a header of a library as C includes it, or a module of Kamailio as `kamailio/tls.so`. */
function isThere(program: string): boolean {
  if (program.endsWith('.h')) return existsSync(join('/usr/include', program));
  const [host, module] = program.split('/', 2);
  return host === 'kamailio' && module !== undefined ? hasModule(module) : isOnPath(program);
}

/** Debian keeps modules in a folder that is named by the architecture. */
function hasModule(module: string): boolean {
  const library = '/usr/lib';
  if (!existsSync(library)) return false;
  return readdirSync(library).some(folder => existsSync(join(library, folder, 'kamailio/modules', module)));
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

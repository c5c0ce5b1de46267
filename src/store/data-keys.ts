import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { dataKeyBytes } from '../core/seal.ts';

/** Where the key of a node is that was given none. */
export const keyFile = 'data.key';
const nodeFile = 'node.id';
const runFile = 'node.run';

/**
 * The key that was made on the first start, made now if there is none. Losing it loses what was sealed with it, so
 * its making is said aloud.
 */
export function ownDataKey(dataDir: string, log: Logger): Buffer {
  const path = join(dataDir, keyFile);
  let made = false;
  const text = ownFile(dataDir, keyFile, () => {
    made = true;
    return randomBytes(dataKeyBytes).toString('base64');
  });
  if (made) log.warn('a data key was made: back it up, or set DATA_KEY', { path });
  const key = Buffer.from(text, 'base64');
  if (key.length === dataKeyBytes) return key;
  throw new Failure('data-key', `${path} holds no key of ${dataKeyBytes} bytes in base64: restore it`);
}

/** The name of this node, made on its first start. */
export function ownNodeId(dataDir: string): string {
  return ownFile(dataDir, nodeFile, () => `node_${randomBytes(6).toString('hex')}`);
}

/** Notes which run has the directory now, and says which had it before; none where that cannot be read. */
export function ownRun(dataDir: string, boot: string): string | undefined {
  const path = join(dataDir, runFile);
  try {
    const before = existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
    writeFileSync(path, `${boot}\n`, { mode: 0o600 });
    return before;
  } catch {
    // A full disk is no reason not to start: the next start looks whether this run beats, that is all.
    return undefined;
  }
}

function ownFile(dataDir: string, name: string, make: () => string): string {
  const path = join(dataDir, name);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    try {
      return readFileSync(path, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return written(path, make());
  } catch (error) {
    throw new Failure('data-dir', `${path} cannot be used: ${messageOf(error)}. Set DATA_DIR.`, {
      cause: error,
    });
  }
}

/** An empty file would be taken for one that has lost what was in it. */
function written(path: string, text: string): string {
  try {
    writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true });
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(path, { force: true });
    throw error;
  }
}

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { idleEnvironment, ServeProcess } from '../support/serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.runIf(process.platform !== 'win32')(
  'nobody else can read what a daemon writes, in a folder that all may enter',
  async () => {
    const daemon = new ServeProcess({
      cwd: folder,
      env: {
        ...idleEnvironment,
        DATA_DIR: folder,
      },
    });
    try {
      await daemon.port('http', 60_000);
      const files = readdirSync(folder).map(name => [name, statSync(join(folder, name)).mode & 0o077]);
      expect(files.map(([name]) => name)).toEqual(expect.arrayContaining(['data.key', 'trunkbridge.db']));
      expect(files.filter(([, others]) => others !== 0)).toEqual([]);
    } finally {
      await daemon.kill();
    }
  },
  90_000,
);

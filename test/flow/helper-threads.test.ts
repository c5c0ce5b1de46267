import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { nicenessOf } from '../support/niceness.ts';
import { idleEnvironment, ServeProcess } from '../support/serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-threads-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.runIf(process.platform === 'linux')(
  'V8 helpers of a daemon stand back; signalling, media, and whoever looks names up do not',
  async () => {
    const daemon = new ServeProcess({
      cwd: folder,
      env: {
        ...idleEnvironment,
        DATA_DIR: ':memory:',
        MEDIA_WORKERS: '2',
      },
    });
    try {
      await daemon.port('http');
      const own = nicenessOf(process.pid)[0]!;
      const [main, ...others] = nicenessOf(daemon.pid);
      expect(main).toBe(own);
      // V8 has four threads for its work and one for its timers, whatever the machine. Two carry media here, and libuv has
      // four that look names up and write files.
      expect(others.filter(nice => nice === Math.min(own + 10, 19))).toHaveLength(5);
      expect(others.filter(nice => nice === own).length).toBeGreaterThanOrEqual(6);
    } finally {
      await daemon.kill();
    }
  },
);

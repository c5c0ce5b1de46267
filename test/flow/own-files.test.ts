import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ServeProcess } from '../support/serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.runIf(process.platform !== 'win32')(
  'nobody else can read what a daemon writes, in a folder that all may enter',
  async () => {
    const daemon = new ServeProcess({
      cwd: folder,
      env: {
        ELEVENLABS_API_KEY: 'key-of-a-test',
        ELEVENLABS_AGENT_ID: 'agent_of_a_test',
        SIP_LISTEN: 'tcp://127.0.0.1:0',
        HTTP_LISTEN: '127.0.0.1:0',
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

import { describe, expect, it } from 'vitest';
import { reloadKeys } from '../../../src/config/changes.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { sectionKeys, settings } from '../../../src/config/settings.ts';
import { madeTable, markdown, readText, root, section, writeTable, writing } from './document.ts';

describe('examples/trunks.yaml', () => {
  it('is a configuration without a problem or a note', () => {
    const loaded = loadConfig({
      path: `${root}/examples/trunks.yaml`,
      env: {
        ELEVENLABS_API_KEY: 'a-key',
        TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
        TWILIO_AUTH_TOKEN: 'a-token',
        BRANCH_PASSWORD: 'a long password',
      },
    });
    expect(loaded).toMatchObject({ ok: true, value: { notes: [] } });
    if (!loaded.ok) return;
    const { trunks, numbers } = loaded.value.config;
    expect(trunks.map(({ name }) => name)).toEqual(['twilio', 'pbx', 'branch']);
    expect(numbers).toHaveLength(4);
  });
});

describe('docs/trunks.md', () => {
  it('says of every key what a reload does with it', () => {
    const written = (keys: readonly string[]) => keys.map(key => `\`${key}\``).join(', ');
    const table = markdown(
      ['a reload', 'keys, with all that is below them'],
      [
        ['applies to new calls', written(reloadKeys.live)],
        ['leaves to a restart', written(reloadKeys.restart)],
      ],
    );
    if (writing) writeTable('docs/trunks.md', 'reload', table);
    expect(madeTable('docs/trunks.md', 'reload')).toBe(table);
    const told = section(readText('docs/trunks.md'), '## Changing it while calls are up');
    const above = (key: string) => key.split('.').map((_, i, words) => words.slice(0, i + 1).join('.'));
    const keys = [...Object.keys(settings), ...Object.values(sectionKeys)];
    expect(keys.filter(key => !above(key).some(name => told.includes(`\`${name}\``)))).toEqual([
      'sip.tls_key',
    ]);
  });
});

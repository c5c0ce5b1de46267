import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { root } from './document.ts';

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

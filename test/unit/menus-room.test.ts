import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { menuHandler, wishOf } from '../../src/menus-room.ts';
import type { Menu } from '../../src/twilio/menu.ts';

const main: Menu = {
  name: 'main',
  say: 'Press 1.',
  timeoutSeconds: 5,
  tries: 2,
  choices: [
    { digits: '1', action: { kind: 'agent', agentId: 'agent_b', variables: { topic: 'billing' } } },
    { digits: '2', action: { kind: 'hangup' } },
  ],
};
const config = { menus: [main], http: { publicUrl: 'https://bridge.example' } } as unknown as Config;
const wish = (query: string) => wishOf(config, new URLSearchParams(query));
const ask = (name: string, query = '', fields: Record<string, string> = {}) =>
  menuHandler(
    () => config,
    silentLogger,
  )({
    fields: new Map(Object.entries(fields)),
    query: new URLSearchParams(query),
    name,
    idempotencyToken: undefined,
  });

describe('what a voice URL says of the agent', () => {
  it('is an agent by its id, or a choice of a menu with its variables', () => {
    expect(wish('agent_id=agent_x')).toEqual({ agentId: 'agent_x' });
    expect(wish('menu=main&choice=1')).toMatchObject({ agentId: 'agent_b', variables: { topic: 'billing' } });
  });

  it.each(['', 'menu=main', 'menu=main&choice=2', 'menu=other&choice=1', 'agent_id=../x', 'again=busy'])(
    'is nothing in ?%s',
    query => {
      expect(wish(query)).toEqual({});
    },
  );
});

describe('a menu', () => {
  it('counts how often it was said, and does what was keyed', async () => {
    expect(await ask('main')).toContain('/twilio/menu/main?said=1');
    expect(await ask('main', 'said=1')).toContain('/twilio/menu/main?said=2');
    expect(await ask('main', 'said=2')).toContain('<Hangup/>');
    expect(await ask('main', 'said=1', { Digits: '1' })).toContain('/twilio/voice?menu=main&amp;choice=1');
  });

  it('that is not there leaves the caller to the agent of the number', async () => {
    expect(await ask('gone')).toContain(
      '<Redirect method="POST">https://bridge.example/twilio/voice</Redirect>',
    );
  });
});

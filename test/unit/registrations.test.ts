import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { Registrations } from '../../src/registrations.ts';
import type { RegisterOptions, Registration } from '../../src/sip/signalling.ts';

const nothing = '{}\n';
const desk = (username: string) =>
  `trunks: [{ name: pbx, outbound_trunk_config: { address: 192.0.2.7, register_seconds: 300, credentials: { username: ${username}, password: word } } }]\n`;

/** What the registrar would see, in order; the end of a registration takes until `settle`. */
function world() {
  const seen: string[] = [];
  const ends: (() => void)[] = [];
  const told: RegisterOptions['onChange'][] = [];
  const events: unknown[] = [];
  const register = (_route: unknown, { from, onChange }: RegisterOptions): Registration => {
    seen.push(`on ${from}`);
    told.push(onChange);
    return {
      registered: true,
      stop: () =>
        new Promise<void>(resolve => {
          ends.push(() => {
            seen.push(`off ${from}`);
            resolve();
          });
        }),
    };
  };
  const registrations = new Registrations({
    signalling: { register },
    hops: async () => [],
    events: { emit: event => void events.push(event) },
    log: silentLogger,
  });
  return {
    seen,
    told,
    events,
    follow(yaml: string) {
      const env = { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'agent_1' };
      const loaded = loadConfig({ env, path: 'c.yaml', read: () => yaml });
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
      registrations.follow(loaded.value.config);
    },
    async settle() {
      for (const end of ends.splice(0)) end();
      await new Promise(resolve => setImmediate(resolve));
    },
  };
}

describe('registrations with trunks', () => {
  it('stay as they are while nothing of them changes, and end with their trunk', async () => {
    const { seen, follow, settle } = world();
    follow(desk('front'));
    follow(desk('front'));
    expect(seen).toEqual(['on front']);
    follow(nothing);
    await settle();
    expect(seen).toEqual(['on front', 'off front']);
  });

  it('wait for the end of the one before, also when their trunk was gone in between', async () => {
    const { seen, follow, settle } = world();
    follow(desk('front'));
    follow(nothing);
    follow(desk('front'));
    expect(seen).toEqual(['on front']);
    await settle();
    expect(seen).toEqual(['on front', 'off front', 'on front']);
  });

  it('are made once, with what held last, when it changes twice during that end', async () => {
    const { seen, follow, settle } = world();
    follow(desk('one'));
    follow(desk('two'));
    follow(desk('three'));
    await settle();
    expect(seen).toEqual(['on one', 'off one', 'on three']);
  });

  it('tell why they do not hold, and nothing of those that we take back ourselves', () => {
    const { follow, told, events } = world();
    follow(desk('front'));
    told[0]?.(false, 403, 'SIP 403');
    told[0]?.(true, 200);
    told[0]?.(false, 200);
    const event = { type: 'trunk-registered', trunk: 'pbx' };
    expect(events).toEqual([
      { ...event, registered: false, status: 403, why: 'SIP 403' },
      { ...event, registered: true, status: 200 },
    ]);
  });
});

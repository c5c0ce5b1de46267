import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';

function load(menus: string) {
  return loadConfig({
    env: { ELEVENLABS_API_KEY: 'sk_test_key', ELEVENLABS_AGENT_ID: 'agent_1' },
    path: 'c.yaml',
    read: () => `menus:\n${menus}`,
  });
}

function problems(menus: string): string {
  const loaded = load(menus);
  return loaded.ok ? '' : loaded.failure.map(({ where, what }) => `${where}: ${what}`).join('\n');
}

const whole = `
  - name: main
    say: Press 1 for billing, 2 for the desk.
    voice: Polly.Joanna
    language: en-GB
    timeout_seconds: 8
    tries: 2
    goodbye: Goodbye.
    choices:
      - { digits: "1", action: agent, agent_id: agent_b, variables: { topic: billing } }
      - { digits: "2", action: dial, to: "+1 415 555 0177", say: One moment. }
      - { digits: "3", action: dial, to: "sip:desk@pbx.example.com" }
      - { digits: "4", action: agent }
      - { digits: "*9", action: hangup }
`;

describe('menus', () => {
  it('are read with every word', () => {
    const loaded = load(whole);
    if (!loaded.ok) throw new Error(problems(whole));
    expect(loaded.value.config.menus).toEqual([
      {
        name: 'main',
        say: 'Press 1 for billing, 2 for the desk.',
        voice: 'Polly.Joanna',
        language: 'en-GB',
        timeoutSeconds: 8,
        tries: 2,
        goodbye: 'Goodbye.',
        choices: [
          { digits: '1', action: { kind: 'agent', agentId: 'agent_b', variables: { topic: 'billing' } } },
          {
            digits: '2',
            say: 'One moment.',
            action: { kind: 'dial', to: { kind: 'phone', number: '+14155550177' } },
          },
          { digits: '3', action: { kind: 'dial', to: { kind: 'sip', uri: 'sip:desk@pbx.example.com' } } },
          { digits: '4', action: { kind: 'agent', variables: {} } },
          { digits: '*9', action: { kind: 'hangup' } },
        ],
      },
    ]);
  });

  it('wait for five seconds and are said three times unless told otherwise', () => {
    const loaded = load('  - { name: m, say: Hello, choices: [{ digits: "1", action: hangup }] }\n');
    expect(loaded).toMatchObject({
      ok: true,
      value: { config: { menus: [{ timeoutSeconds: 5, tries: 3 }] } },
    });
  });

  it.each([
    ['{ say: x, choices: [] }', 'needs name'],
    ['{ name: m, choices: [{ digits: "1", action: hangup }] }', 'needs say'],
    ['{ name: m, say: x }', 'needs choices'],
    ['{ name: "m/x", say: x, choices: [{ digits: "1", action: hangup }] }', 'part of a URL'],
    ['{ name: m, say: x, choices: [{ action: hangup }] }', 'needs digits'],
    ['{ name: m, say: x, choices: [{ digits: "12345", action: hangup }] }', '1 to 4 of 0-9'],
    ['{ name: m, say: x, choices: [{ digits: "1" }] }', 'needs an action: hangup, dial, agent'],
    ['{ name: m, say: x, choices: [{ digits: "1", action: sing }] }', 'hangup, dial, agent'],
    ['{ name: m, say: x, choices: [{ digits: "1", action: dial }] }', 'needs to'],
    ['{ name: m, say: x, choices: [{ digits: "1", action: dial, to: me }] }', 'or a SIP URI'],
    ['{ name: m, say: x, choices: [{ digits: "1", action: hangup, to: "+14155550177" }] }', 'dial alone'],
    ['{ name: m, say: x, choices: [{ digits: "1", action: hangup, agent_id: a }] }', 'agent alone'],
    [
      '{ name: m, say: x, choices: [{ digits: "1", action: agent, variables: { system__x: y } }] }',
      'kept for ElevenLabs',
    ],
    [
      '{ name: m, say: x, choices: [{ digits: "1", action: hangup }, { digits: "1", action: hangup }] }',
      'have the same digits twice',
    ],
    ['{ name: m, say: x, tries: 9, choices: [{ digits: "1", action: hangup }] }', '5'],
    ['{ name: m, say: x, choice: [], choices: [{ digits: "1", action: hangup }] }', 'did you mean choices'],
  ])('are refused as %s', (menu, why) => {
    expect(problems(`  - ${menu}\n`)).toContain(why);
  });

  it('have names of their own', () => {
    const one = '  - { name: m, say: x, choices: [{ digits: "1", action: hangup }] }\n';
    expect(problems(one + one)).toContain('is the name of two menus');
  });
});

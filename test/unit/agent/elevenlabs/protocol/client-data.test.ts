import { describe, expect, it } from 'vitest';
import {
  clientDataLimits,
  mergeOverrides,
  readClientData,
} from '../../../../../src/agent/elevenlabs/protocol/client-data.ts';

const read = (given: unknown) => {
  const result = readClientData(given);
  if (!result.ok) throw new Error(result.failure.join('; '));
  return result.value;
};
const problems = (given: unknown) => {
  const result = readClientData(given);
  return result.ok ? [] : result.failure;
};

describe('what a conversation shall begin with', () => {
  it('is taken whole when everything in it is known', () => {
    const overrides = {
      agent: {
        first_message: '',
        language: 'pt-br',
        prompt: { prompt: 'You are', llm: 'x', tool_ids: ['t'] },
      },
      asr: { keywords: ['a'] },
      tts: { voice_id: 'v', stability: 0, similarity_boost: 1, speed: 1.2 },
      turn: { soft_timeout_config: { message: 'hm' } },
      conversation: { max_duration_seconds: 60 },
    };
    expect(
      read({
        type: 'conversation_initiation_client_data',
        dynamic_variables: { name: 'Ann', age: 3, vip: false, secret__token: 't' },
        conversation_config_override: overrides,
        custom_llm_extra_body: { a: [1, { b: null }] },
        user_id: 'u',
        verify_number: '+14155550177',
      }),
    ).toEqual({
      variables: { name: 'Ann', age: 3, vip: false, secret__token: 't' },
      overrides,
      extraBody: { a: [1, { b: null }] },
      userId: 'u',
      verifyNumber: '+14155550177',
      ignored: [],
    });
  });

  it.each([{}, { dynamic_variables: null, conversation_config_override: null }, { user_id: null }])(
    'may be nothing: %j',
    given => {
      expect(read(given)).toEqual({ variables: {}, ignored: [] });
    },
  );

  it('leaves out what nobody knows here, what ElevenLabs keeps to itself and what is not for telephones, and names the keys', () => {
    const data = read({
      colour: 'red',
      source_info: {},
      dynamic_variables: { system__call_sid: 'x', ok: 1 },
      conversation_config_override: {
        agent: { mood: 'red', prompt: { rag: { x: 1 } } },
        conversation: { text_only: true, client_events: [] },
        constructor: {},
      },
    });
    expect(data).toMatchObject({ variables: { ok: 1 } });
    expect(data).not.toHaveProperty('overrides');
    expect([...data.ignored].sort()).toEqual([
      'colour',
      'conversation_config_override.agent.mood',
      'conversation_config_override.agent.prompt.rag',
      'conversation_config_override.constructor',
      'conversation_config_override.conversation.client_events',
      'conversation_config_override.conversation.text_only',
      'dynamic_variables.system__call_sid',
      'source_info',
    ]);
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', [], /no JSON object/],
    ['null', null, /no JSON object/],
    ['variables in a list', { dynamic_variables: ['x'] }, /dynamic_variables is no object/],
    ['a variable that is an object', { dynamic_variables: { a: {} } }, /dynamic_variables\.a is neither/],
    ['a variable that is null', { dynamic_variables: { a: null } }, /dynamic_variables\.a is neither/],
    ['a variable without a name', { dynamic_variables: { '': 'x' } }, /no usable name/],
    [
      'a number for a text',
      { conversation_config_override: { agent: { first_message: 7 } } },
      /first_message is not/,
    ],
    ['a share beyond 1', { conversation_config_override: { tts: { stability: 1.5 } } }, /stability is not/],
    ['a text for a section', { conversation_config_override: { agent: 'x' } }, /agent is no object/],
    ['another type', { type: 'session' }, /type is not/],
    ['a number to verify that is none', { verify_number: '0170 555' }, /verify_number is not/],
  ])('is refused whole for %s, without repeating a value', (_title, given, told) => {
    expect(problems(given).join()).toMatch(told);
    expect(problems(given).join()).not.toMatch(/0170/);
  });

  it('names no key by the telephone number that it is', () => {
    const told = JSON.stringify([
      read({ '+14155550123': 'x', 'caller-4155550123': 1 }).ignored,
      problems({ dynamic_variables: { 'of 14155550123': [] } }),
    ]);
    expect(told).toContain('?141******23');
    expect(told).not.toContain('55501');
  });

  it('is bounded in depth, in number and in length', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = { x: deep };
    expect(problems({ custom_llm_extra_body: deep })).toEqual([expect.stringMatching(/levels/)]);
    const many = Object.fromEntries(
      Array.from({ length: clientDataLimits.variables + 1 }, (_, i) => [`v${i}`, i]),
    );
    expect(problems({ dynamic_variables: many }).join()).toMatch(/more than 500/);
    const long = 'x'.repeat(clientDataLimits.textCharacters + 1);
    expect(problems({ dynamic_variables: { long } }).join()).toMatch(/long is neither/);
    const unknown = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
    expect(read(unknown).ignored).toHaveLength(clientDataLimits.ignored);
  });

  it('cannot reach what every object has', () => {
    const data = read(JSON.parse('{"dynamic_variables":{"__proto__":"x"},"__proto__":{"user_id":"u"}}'));
    expect(Object.keys(data.variables)).toEqual(['__proto__']);
    expect(data.userId).toBeUndefined();
    expect(({} as Record<string, unknown>)['user_id']).toBeUndefined();
  });
});

describe('two sets of overrides', () => {
  it('are put together field by field, the second winning', () => {
    expect(
      mergeOverrides(
        { agent: { language: 'de', prompt: { llm: 'a', prompt: 'p' } }, tts: { speed: 1 } },
        { agent: { language: 'fr', prompt: { llm: 'b' } } },
      ),
    ).toEqual({ agent: { language: 'fr', prompt: { llm: 'b', prompt: 'p' } }, tts: { speed: 1 } });
    expect(mergeOverrides(undefined, { tts: { speed: 1 } })).toEqual({ tts: { speed: 1 } });
    expect(mergeOverrides({ tts: { speed: 1 } }, undefined)).toEqual({ tts: { speed: 1 } });
  });
});

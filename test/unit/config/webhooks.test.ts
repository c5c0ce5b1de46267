import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { changesBetween, liveParts } from '../../../src/config/changes.ts';
import { loadConfig } from '../../../src/config/load.ts';

const needed = { ELEVENLABS_API_KEY: 'a-key', ELEVENLABS_AGENT_ID: 'agent_1' };
const load = (yaml: string, env: Record<string, string> = {}) =>
  loadConfig({ path: 't.yaml', read: () => yaml, env: { ...needed, ...env } });
function good(yaml: string, env: Record<string, string> = {}) {
  const loaded = load(yaml, env);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value.config;
}
const problems = (yaml: string, env: Record<string, string> = {}) => {
  const loaded = load(yaml, env);
  return loaded.ok ? [] : loaded.failure.map(({ where, what }) => `${where}: ${what}`);
};
const secret = 'wsec_0123456789abcdef';

describe('webhooks in the configuration', () => {
  it('are off until they have a URL', () => {
    expect(good('').webhooks).toEqual({ allowedNetworks: [] });
  });

  it('come from the file or from the environment, with their secrets apart', () => {
    const config = good(
      `webhooks:
  allowed_networks: [10.0.0.0/8]
  initiation: {url: "http://10.1.2.3/a?b=c", request_headers: ["Authorization: Bearer \${T}", "X-A: 1, 2"]}
`,
      {
        T: 'tkn',
        WEBHOOK_SECRET: secret,
        POST_CALL_WEBHOOK_URL: 'https://crm.example/x',
        POST_CALL_WEBHOOK_HEADERS: 'X-B: 1,X-C: 2',
      },
    );
    expect(config.webhooks).toEqual({
      allowedNetworks: ['10.0.0.0/8'],
      initiation: { url: 'http://10.1.2.3/a?b=c', timeoutMs: 3000, onFailure: 'continue' },
      postCall: {
        url: 'https://crm.example/x',
        timeoutMs: 15_000,
        events: ['call_ended', 'call_initiation_failure'],
      },
    });
    expect(config.secrets.initiationHeaders).toEqual({ Authorization: 'Bearer tkn', 'X-A': '1, 2' });
    expect(config.secrets.postCallHeaders).toEqual({ 'X-B': '1', 'X-C': '2' });
    expect(`${JSON.stringify(config)}${inspect(config, { depth: 9 })}`).not.toMatch(/tkn|wsec_/);
  });

  it.each<[string, string, RegExp]>([
    ['plain http without a network', 'initiation: {url: "http://crm.example/"}', /plain http/],
    ['another scheme', 'initiation: {url: "ftp://crm.example/"}', /https:\/\//],
    ['a password in the URL', 'initiation: {url: "https://u:must-not-show@crm.example/"}', /request_headers/],
    ['a header that is none', 'initiation: {request_headers: ["must-not-show"]}', /must be lines like/],
    [
      'a header with two lines',
      'initiation: {request_headers: ["A: b\\r\\nmust-not-show: c"]}',
      /must be lines like/,
    ],
    ['a header of the request itself', 'initiation: {request_headers: ["Host: must-not-show"]}', /Host/],
    ['no secret', 'post_call: {url: "https://crm.example/"}', /WEBHOOK_SECRET: is missing/],
    ['an event that there is none', 'post_call: {events: [call_begun]}', /call_ended/],
    ['a policy that there is none', 'initiation: {on_failure: retry}', /continue, reject/],
  ])('are refused for %s', (_title, line, told) => {
    const found = problems(`webhooks:\n  ${line}\n`).join('\n');
    expect(found).toMatch(told);
    expect(found).not.toMatch(/must-not-show/);
  });

  it('are swapped while calls are up, the authorities excepted', () => {
    const before = good('', {});
    const after = good('webhooks: {initiation: {url: "https://crm.example/", request_headers: ["A: b"]}}');
    expect(changesBetween(before, after).live).toEqual(['webhooks']);
    const swapped = liveParts(before, after);
    expect(swapped.webhooks.initiation?.url).toBe('https://crm.example/');
    expect(swapped.secrets.initiationHeaders).toEqual({ A: 'b' });
  });
});

describe('a number', () => {
  const number = (lines: string) =>
    `numbers:\n  - phone_number: "+4930901820"\n    agent_id: a\n${lines.replace(/^/gm, '    ')}\n`;

  it('has what its conversations begin with, in ElevenLabs own words', () => {
    const config = good(
      number(`initiation_webhook: off
conversation_initiation_client_data:
  dynamic_variables: {shop: "\${SHOP}", open: true, floors: 3}
  conversation_config_override: {agent: {prompt: {prompt: "You are"}}, tts: {supported_voices: [{voice_id: v}]}}`),
      { SHOP: 'Berlin' },
    );
    expect(config.numbers[0]).toMatchObject({
      initiation: 'off',
      clientData: {
        variables: { shop: 'Berlin', open: true, floors: 3 },
        overrides: {
          agent: { prompt: { prompt: 'You are' } },
          tts: { supported_voices: [{ voice_id: 'v' }] },
        },
      },
    });
  });

  it.each<[string, RegExp]>([
    ['conversation_initiation_client_data: {dynamic_variables: {system__x: 1}}', /system__x is not a key/],
    ['conversation_initiation_client_data: {colour: red}', /colour is not a key/],
    ['conversation_initiation_client_data: {dynamic_variables: {a: [1]}}', /dynamic_variables\.a is neither/],
    ['conversation_initiation_client_data: {dynamic_variables: {a: "\x24{NONE}"}}', /NONE/],
    ['initiation_webhook: maybe', /off, continue, reject/],
  ])('is refused with %s', (lines, told) => {
    expect(problems(number(lines)).join('\n')).toMatch(told);
  });
});

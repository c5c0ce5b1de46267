import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Failure, fail, ok, type Result } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { composeHttp } from '../../src/http/http.ts';
import type { OutboundCallBegun } from '../../src/http/outbound-call.ts';
import type { NumberDesk, ShownNumber } from '../../src/http/phone-numbers.ts';

// The schema belongs to ElevenLabs and is no part of this project: where it is not, this suite is skipped.
const schemaFile = fileURLToPath(new URL('../../../shared/elevenlabs/phone-openapi.json', import.meta.url));
const present = existsSync(schemaFile);
if (!present)
  console.warn('skipped: answers about phone numbers against ElevenLabs’ schema, which is not here');

const numbers: readonly ShownNumber[] = [
  {
    ...{ id: 'phnum_1', number: '+14155550100', label: 'Desk', provider: 'twilio', agentId: 'agent_1' },
    ...{ twilio: { purchased: true }, configured: false },
  },
  {
    id: 'phnum_2',
    number: '+442071234567',
    label: 'City',
    provider: 'sip_trunk',
    configured: false,
    defaultCountry: 'GB',
  },
  {
    ...{ id: 'phnum_3', number: '+493090182000', label: 'Berlin', provider: 'sip_trunk', configured: false },
    inbound: { allowed_addresses: ['192.0.2.0/24'], credentials: { username: 'u', password: 'p-p-p-p-p' } },
    outbound: { address: 'sip.example.com', transport: 'tls', media_encryption: 'required' },
  },
];
const desk: NumberDesk = {
  refresh: async () => undefined,
  list: () => numbers,
  find: id => numbers.find(each => each.id === id),
  create: async () => ok('phnum_4'),
  update: async () => ok(numbers[2] as ShownNumber),
  remove: async () => ok(undefined),
};

describe.skipIf(!present)('answers about phone numbers, by ElevenLabs’ own schema', () => {
  const document = present ? JSON.parse(readFileSync(schemaFile, 'utf8')) : {};
  const ajv = new Ajv({ strict: false, validateFormats: false });
  if (present) ajv.addSchema({ $id: 'api', components: document.components });
  const secret = 'admin-secret-0123456789';
  let begun: Result<OutboundCallBegun> = fail(new Failure('none', 'None.'));
  const app = composeHttp({
    ...{ apiKeys: [{ name: 'ops', role: 'admin', secret }], health: () => ({ ready: true }) },
    ...{ registry: new Registry(), log: silentLogger, phoneNumbers: desk },
    outboundCalls: { sipTrunk: { call: async () => begun }, twilio: { call: async () => begun } },
  });

  it.each([
    ['get', '', ''],
    ['post', '', ''],
    ['get', '/{phone_number_id}', '/phnum_1'],
    ['get', '/{phone_number_id}', '/phnum_2'],
    ['get', '/{phone_number_id}', '/phnum_3'],
    ['patch', '/{phone_number_id}', '/phnum_3'],
  ] as const)('are right for %s%s %s', async (method, template, url) => {
    const operation = document.paths[`/v1/convai/phone-numbers${template}`][method];
    const { schema } = operation.responses['200'].content['application/json'];
    const check = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')));
    const answer = await app.inject({
      ...{ method: method.toUpperCase() as 'GET', url: `/v1/convai/phone-numbers${url}` },
      headers: { 'xi-api-key': secret },
      ...(method === 'get' ? {} : { payload: { phone_number: '+14155550100', label: 'Desk' } }),
    });
    expect(answer.statusCode).toBe(200);
    expect(check(answer.json()) ? [] : check.errors).toEqual([]);
    expect(answer.body).not.toContain('p-p-p');
  });

  describe.each([
    ['sip-trunk', 'phnum_3'],
    ['twilio', 'phnum_1'],
  ])('are right for a call over %s', (way, id) => {
    it.each([
      ['is on its way', ok({ conversationId: 'conv_local_1', callId: 'id-1' })],
      ['was placed before', ok({ conversationId: undefined, callId: 'id-1', replayed: true })],
      ['is not placed', fail(new Failure('outbound-limit', 'Enough.'))],
    ])('that %s', async (_, outcome) => {
      begun = outcome;
      const url = `/v1/convai/${way}/outbound-call`;
      const { post } = document.paths[url];
      const own = (schema: object) =>
        ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')));
      const payload = {
        ...{ agent_id: 'agent_1', agent_phone_number_id: id, to_number: '+14155550123' },
        telephony_call_config: { ringing_timeout_secs: 20, twilio_call_recording_enabled: true },
        ...(way === 'twilio' ? { call_recording_enabled: true } : {}),
      };
      expect(own(post.requestBody.content['application/json'].schema)(payload)).toBe(true);
      const answer = await app.inject({ method: 'POST', url, headers: { 'xi-api-key': secret }, payload });
      expect(answer.statusCode).toBe(200);
      const check = own(post.responses['200'].content['application/json'].schema);
      expect(check(answer.json()) ? [] : check.errors).toEqual([]);
    });
  });
});

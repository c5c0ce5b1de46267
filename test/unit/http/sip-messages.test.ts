import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';
import type { SipMessagesOfCall } from '../../../src/http/sip-messages.ts';

const secret = 'read-secret-0123456789';
const message = {
  direction: 'in',
  transport: 'tcp',
  localAddress: '192.0.2.1',
  remoteAddress: '192.0.2.10:5060',
  at: 1_795_000_000_123.25,
  text: 'INVITE',
  error: '',
} as const;
const call: SipMessagesOfCall = {
  sipCallId: 'a@b',
  phoneNumbers: ['+141******23'],
  messages: Array.from({ length: 45 }, (_, i) => ({ ...message, text: `message ${i}` })),
  text: () => 'the ladder',
};

function get(path: string, headers: Record<string, string> = { 'xi-api-key': secret }) {
  const app = composeHttp({
    apiKeys: [{ name: 'a', role: 'read', secret }],
    health: () => ({ ready: true }),
    registry: new Registry(),
    log: silentLogger,
    sipMessages: id => (id === 'conv_1' ? call : undefined),
  });
  return app.inject({ url: `/v1/convai/conversations/${path}`, headers });
}

describe('SIP messages over HTTP', () => {
  it('come page by page', async () => {
    const texts: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { sip_messages: { raw_message: string }[]; next_cursor: string | null; has_more: boolean } =
        (await get(`conv_1/sip-messages?page_size=20&cursor=${cursor}`)).json();
      texts.push(...page.sip_messages.map(each => each.raw_message));
      expect(page.has_more).toBe(page.next_cursor !== null);
      cursor = page.next_cursor;
    }
    expect(texts).toEqual(call.messages.map(({ text }) => text));
  });

  it("have ElevenLabs' shape", async () => {
    const url = new URL('../../../../shared/elevenlabs/phone-openapi.json', import.meta.url);
    const document = JSON.parse(readFileSync(url, 'utf8'));
    const ajv = new Ajv({ strict: false });
    ajv.addSchema(document, 'phone');
    const validate = ajv.getSchema('phone#/components/schemas/GetSIPLogMessagesResponse');
    const body = (await get('conv_1/sip-messages')).json();
    expect(validate?.(body), JSON.stringify(validate?.errors)).toBe(true);
    expect(body.sip_messages[0]).toEqual({
      call_id: 'a@b',
      phone_numbers: ['+141******23'],
      local_address: '192.0.2.1',
      remote_address: '192.0.2.10:5060',
      transport: 'tcp',
      raw_message: 'message 0',
      error_message: '',
      direction: 'in',
      created_at_unix_micro: 1_795_000_000_123_250,
    });
  });

  it('come as text to whoever asks for text', async () => {
    const answer = await get('conv_1/sip-messages', { 'xi-api-key': secret, accept: 'text/plain' });
    expect([answer.headers['content-type'], answer.body]).toEqual([
      'text/plain; charset=utf-8',
      'the ladder',
    ]);
  });

  it.each([
    ['nobody/sip-messages', 404],
    ['conv_1/sip-messages?page_size=21', 422],
    ['conv_1/sip-messages?page_size=0', 422],
    ['conv_1/sip-messages?cursor=-1', 422],
    ['conv_1/sip-messages?cursor=x', 422],
  ])('are refused for %s: %i', async (path, status) => {
    expect((await get(path)).statusCode).toBe(status);
  });

  it('need a key', async () => {
    expect((await get('conv_1/sip-messages', {})).statusCode).toBe(401);
  });
});

import { describe, expect, it } from 'vitest';
import { cleanFields, lineLimits } from '../../../src/observability/redaction.ts';

describe('fields of a log line', () => {
  it.each([
    'code',
    'otp',
    'pin',
    'digits',
    'dtmf',
    'apiKey',
    'api_key',
    'xi-api-key',
    'Authorization',
    'authToken',
    'AUTH_TOKEN',
    'clientSecret',
    'password',
    'transcript',
    'agentTranscript',
    'userUtterance',
    'parameters',
    'body',
    'sdp',
    'text',
    'signedUrl',
  ])('hide the value of %s', name => {
    expect(cleanFields({ [name]: '482913' })).toEqual({ [name]: '[private]' });
  });

  it('show codes that are words or close codes, and how many digits there were', () => {
    const fields = { code: 'agent-unreachable', digits: 6 };
    expect(cleanFields(fields)).toEqual(fields);
    expect(cleanFields({ code: 1006 })).toEqual({ code: 1006 });
    expect(cleanFields({ code: 482913 })).toEqual({ code: '[private]' });
    expect(cleanFields({ code: '1006' })).toEqual({ code: '[private]' });
    expect(cleanFields({ digits: 482913 })).toEqual({ digits: '[private]' });
  });

  it.each(['caller', 'called', 'caller_id', 'calledNumber', 'from', 'to', 'phone'])(
    'mask the number in %s',
    name => {
      expect(cleanFields({ [name]: '+14155552671' })).toEqual({ [name]: '+141******71' });
      expect(cleanFields({ [name]: '14155552671' })).toEqual({ [name]: '141******71' });
      expect(cleanFields({ [name]: '+141******71' })).toEqual({ [name]: '+141******71' });
    },
  );

  it('mask international numbers and numbers in URIs wherever they are', () => {
    expect(cleanFields({ error: 'no route to +14155552671, sip:4155552671@x' })).toEqual({
      error: 'no route to +141******71, sip:415*****71@x',
    });
    expect(cleanFields({ list: ['tel:+14155552671'] })).toEqual({ list: ['tel:+141******71'] });
  });

  it('leave ids as they are', () => {
    const ids = {
      callId: '1700000000.42',
      sipCallId: 'b1946ac92492d2347c6235b4d2611184',
      call: 'call_0123456789',
    };
    expect(cleanFields(ids)).toEqual(ids);
  });

  it('cut the query off URLs: signed ones carry their credential there', () => {
    expect(
      cleanFields({ error: 'failed: wss://api.example/v1?conversation_signature=abc&x=y then' }),
    ).toEqual({
      error: 'failed: wss://api.example/v1?[private] then',
    });
  });

  it.each([
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4',
    'INLINE:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj',
    'a line inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJS+/w== FEC',
  ])('hide a key of SRTP wherever it is: %s', text => {
    const shown = String(cleanFields({ why: text })['why']);
    expect(shown).toContain('inline:[private]');
    expect(shown).not.toMatch(/d0Rm|SRo|\|2/);
  });

  it('leave out what is undefined, and keep numbers, booleans and null', () => {
    expect(cleanFields({ a: undefined, b: 1.5, c: false, d: null })).toEqual({ b: 1.5, c: false, d: null });
  });

  it('are bounded in number, length and sum', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, 'v']));
    expect(Object.keys(cleanFields(many))).toHaveLength(lineLimits.fields);
    const long = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, 'v'.repeat(9_999)]));
    const sum = Object.values(cleanFields(long)).reduce<number>(
      (total, value) => total + String(value).length,
      0,
    );
    expect(sum).toBeLessThanOrEqual(lineLimits.total);
    expect((cleanFields({ list: Array<string>(99).fill('v') })['list'] as string[]).length).toBe(
      lineLimits.entries,
    );
  });

  it('have names without control characters', () => {
    expect(Object.keys(cleanFields({ 'a\nb': 1 }))).toEqual(['a\ufffdb']);
  });
});

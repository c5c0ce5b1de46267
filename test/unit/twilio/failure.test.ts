import { describe, expect, it } from 'vitest';
import {
  answerFailure,
  isPassing,
  networkFailure,
  refusal,
  requestFailure,
  TwilioFailure,
} from '../../../src/twilio/failure.ts';

const thrown = (code: string, message = 'secret') => Object.assign(new Error(message), { code });

describe('networkFailure', () => {
  it.each([
    ['ECONNREFUSED', 'twilio-unreachable', true],
    ['ENOTFOUND', 'twilio-unreachable', true],
    ['EAI_AGAIN', 'twilio-unreachable', true],
    ['CERT_HAS_EXPIRED', 'twilio-unreachable', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'twilio-unreachable', false],
    ['ECONNRESET', 'twilio-broken', false],
    ['EPIPE', 'twilio-broken', false],
    ['ERR_BAD_RESPONSE', 'twilio-broken', false],
    ['ECONNABORTED', 'twilio-timeout', false],
    ['ETIMEDOUT', 'twilio-timeout', false],
  ])('takes %s for %s, safe to repeat: %s', (word, code, unprocessed) => {
    expect(networkFailure(thrown(word))).toMatchObject({ code, word, unprocessed });
  });

  it('takes what has no code, or one that could quote something, for a broken connection without a word', () => {
    for (const error of [
      new Error('secret'),
      'secret',
      undefined,
      thrown('call +14155550123'),
      { code: 7 },
    ]) {
      expect(networkFailure(error)).toMatchObject({
        code: 'twilio-broken',
        word: undefined,
        unprocessed: false,
      });
    }
  });

  it('keeps neither the text nor the error underneath', () => {
    const failure = networkFailure(thrown('ECONNRESET'));
    expect(failure.cause).toBeUndefined();
    expect(failure.stack).not.toContain('secret');
  });

  it('leaves a failure that is one already as it is', () => {
    const failure = new TwilioFailure('twilio-timeout');
    expect(networkFailure(failure)).toBe(failure);
    expect(requestFailure(failure)).toBe(failure);
    expect(answerFailure(failure)).toBe(failure);
  });

  it('says of what the SDK threw whether it was over the request or over its answer', () => {
    const error = new TypeError('Cannot read 415');
    expect(requestFailure(error)).toMatchObject({ code: 'twilio-bad-request', word: 'TypeError' });
    expect(answerFailure(error)).toMatchObject({ code: 'twilio-bad-answer', word: 'TypeError' });
  });
});

describe('refusal', () => {
  it.each([
    [400, { code: 60200, message: 'Invalid parameter `To`: +1415' }, { errorCode: 60200, parameter: 'To' }],
    [400, { code: 60200, message: 'Invalid parameter: Code' }, { errorCode: 60200, parameter: 'Code' }],
    [
      400,
      { code: 60200, message: 'Invalid parameter `Tomorrow`' },
      { errorCode: 60200, parameter: undefined },
    ],
    [400, { code: 60200 }, { errorCode: 60200, parameter: undefined }],
    [429, '{"code": 20429}', { errorCode: 20429, unprocessed: true }],
    [503, '<html>', { errorCode: undefined, unprocessed: false }],
    [500, { code: '60200' }, { errorCode: undefined }],
    [404, null, { errorCode: undefined }],
  ])('reads status %i with %o', (status, body, expected) => {
    expect(refusal(status, body, {})).toMatchObject({ code: 'twilio-refused', status, ...expected });
  });

  it.each([
    ['7', 7],
    ['0', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['99999999999', undefined],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    [undefined, undefined],
  ])('reads Retry-After %s as %s seconds', (header, seconds) => {
    expect(refusal(429, {}, { 'retry-after': header }).retryAfterSeconds).toBe(seconds);
  });

  it('takes a request id only in the form that Twilio gives it', () => {
    const id = `RQ${'a1'.repeat(16)}`;
    expect(refusal(400, {}, { 'twilio-request-id': id }).requestId).toBe(id);
    expect(refusal(400, {}, { 'twilio-request-id': '+14155550123' }).requestId).toBeUndefined();
    expect(refusal(400, {}, undefined).requestId).toBeUndefined();
  });
});

describe('a failure that passes', () => {
  it.each([
    [429, undefined, true],
    [429, 20429, true],
    [429, 25109, true],
    [429, 60212, true],
    [429, 60202, false],
    [429, 60203, false],
    [429, 60207, false],
    [400, 20429, false],
    [503, undefined, false],
  ])('with HTTP %i and Twilio code %s: %s', (status, code, passes) => {
    expect(isPassing(refusal(status, { code }, {}))).toBe(passes);
  });

  it('is one where no connection came about, and none where a connection broke', () => {
    const passing = ['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'ETIMEDOUT', 'CERT_HAS_EXPIRED'].filter(
      word => isPassing(networkFailure(thrown(word))),
    );
    expect(passing).toEqual(['ECONNREFUSED', 'ENOTFOUND']);
  });
});

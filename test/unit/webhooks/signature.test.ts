import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sign } from '../../../src/webhooks/signature.ts';

const secret = 'wsec_0123456789abcdef';
const wall = 1_700_000_000_999;

/**
 * What the official SDK does (`wrapper/webhooks` of @elevenlabs/elevenlabs-js), as the reference describes it: split on commas,
 * find `t=` and `v0=`, refuse what is older than 30 minutes, compare with the hash of time, dot and raw body.
 */
function constructEvent(rawBody: string, header: string, key: string, now: number): unknown {
  const parts = header.split(',');
  const timestamp = parts.find(part => part.startsWith('t='))?.substring(2);
  const signature = parts.find(part => part.startsWith('v0='));
  if (timestamp === undefined || signature === undefined) throw new Error('no signature hash found');
  if (Number(timestamp) * 1000 < now - 30 * 60 * 1000)
    throw new Error('timestamp outside the tolerance zone');
  const digest = `v0=${createHmac('sha256', key).update(`${timestamp}.${rawBody}`).digest('hex')}`;
  if (signature !== digest) throw new Error('signature hash does not match');
  return JSON.parse(rawBody);
}

describe('a signature', () => {
  it('is the one of ElevenLabs, byte for byte', () => {
    // Made with: printf '1700000000.{"type":"call_ended"}' | openssl dgst -sha256 -hmac wsec_0123456789abcdef
    expect(sign(secret, '{"type":"call_ended"}', wall)).toBe(
      't=1700000000,v0=f5ec1c92829f286dd1a8b5cb75eab9ab2b76b97ae733d1769f76e970edbad622',
    );
  });

  it('is taken by the way in which the official SDK checks it', () => {
    const body = JSON.stringify({ name: 'Jürgen “Ö” 🙂', text: '\u2028' });
    expect(constructEvent(body, sign(secret, body, wall), secret, wall)).toEqual(JSON.parse(body));
    expect(constructEvent(body, sign(secret, body, wall), secret, wall + 29 * 60_000)).toBeTruthy();
  });

  it.each<[string, (body: string, header: string) => [string, string, string, number]]>([
    ['another body', (body, header) => [body.concat(' '), header, secret, wall]],
    ['another secret', (body, header) => [body, header, secret.concat('x'), wall]],
    ['another time', (body, header) => [body, header.replace('t=17', 't=18'), secret, wall]],
    ['too great an age', (body, header) => [body, header, secret, wall + 31 * 60_000]],
  ])('is refused there with %s', (_title, change) => {
    const body = '{"a":1}';
    expect(() => constructEvent(...change(body, sign(secret, body, wall)))).toThrow();
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LadderStore } from '../../src/sip/ladder.ts';
import { LadderMask } from '../../src/sip/ladder-mask.ts';
import { errorOf, ladderText } from '../../src/sip/ladder-text.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { mutated, settings } from './mutation.ts';

const head = [
  'INVITE sip:+14155550199@192.0.2.1 SIP/2.0',
  'Call-ID: a',
  'From: "+1 415 555 0123" <sip:+14155550123@192.0.2.9>;tag=1',
  'Authorization: Digest username="anna", response="5ec5ec5ec5ec", realm="r"',
  'X-CALLER-ID: 4155550123',
  'Content-Type: application/sdp',
  '',
  '',
].join('\r\n');
const sdp = 'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:5ec5ec5ec5ec|2^20\r\n';
const corpus = [head + sdp, head.replace('application/sdp', 'text/plain') + sdp];
const dictionary = [
  ...[
    '\r\n',
    '\r\n ',
    ' ',
    ':',
    ';',
    '<',
    '>',
    '"',
    '@',
    'sip:',
    'sips:',
    'tel:',
    '+',
    '%2B',
    'inline:',
    '=',
    ',',
  ],
  ...[
    '+442071838750',
    'Authorization: ',
    'Proxy-Authorization: Digest ',
    'y: ',
    '\u0000',
    '\u001b[2J',
    '\u20ac',
  ],
];
const messages = mutated(corpus, dictionary);

const headEnd = (text: string) => {
  const at = text.indexOf('\r\n\r\n');
  return at < 0 ? text.length : at + 4;
};

describe('the picture of a call under mutated input', { timeout: 180_000 }, () => {
  it('keeps every line, and shows no key, no number in a URI and no control character', () => {
    fc.assert(
      fc.property(messages, bytes => {
        const text = bytes.toString('utf8');
        const at = headEnd(text);
        const masked = new LadderMask().mask(text.slice(0, at), text.slice(at));
        expect(masked.split('\r\n')).toHaveLength(text.split('\r\n').length);
        expect(masked).not.toMatch(/\bsips?:\+?\d{7,}@/i);
        expect(masked).not.toMatch(/\binline:(?!\[private\])[^\s;]/i);
        expect(masked).not.toContain('\u001b');
        errorOf(masked);
      }),
      settings,
    );
  });

  it('stays within its limits whatever comes in whatever order', () => {
    const source = { transport: 'tcp', address: '::1', port: 5060, localAddress: '::1' } as const;
    const limits = {
      calls: 3,
      strays: 4,
      messages: 5,
      firstMessages: 2,
      messageBytes: 400,
      totalBytes: 3_000,
    };
    const named = fc.tuple(messages, fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')).map(([bytes, name]) => ({
      name,
      bytes: Buffer.from(bytes.toString('latin1').replace('Call-ID: a', `Call-ID: ${name}`), 'latin1'),
      arrives: name < 'e',
    }));
    fc.assert(
      fc.property(fc.array(named, { maxLength: 30 }), steps => {
        const ladders = new LadderStore(new ManualClock(), limits);
        for (const { bytes, name, arrives } of steps) {
          ladders.tap('in', source, bytes);
          const ids = { call: `call_${name}` as never, sipCallId: name, callId: name };
          const facts = { caller: '', called: '', trunk: 't', headersDropped: 0 };
          if (arrives) ladders.emit({ type: 'call-arrived', ...ids, ...facts });
          const { calls, strays, bytes: held } = ladders.load;
          expect(calls).toBeLessThanOrEqual(limits.calls);
          expect(strays).toBeLessThanOrEqual(limits.strays);
          expect(held).toBeLessThanOrEqual(limits.totalBytes);
          const picture = ladders.find(name);
          expect(picture?.messages.length ?? 0).toBeLessThanOrEqual(limits.messages);
          if (picture !== undefined) ladderText(picture);
        }
      }),
      { ...settings, numRuns: Math.ceil(settings.numRuns / 10) },
    );
  });
});

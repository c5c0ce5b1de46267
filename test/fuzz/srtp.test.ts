import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeHeader } from '../../src/media/rtp/packet.ts';
import { SrtpReceiver } from '../../src/media/srtp/receiver.ts';
import { SrtpSender } from '../../src/media/srtp/sender.ts';
import { readCrypto } from '../../src/sdp/crypto.ts';
import { freshKey, srtpSuiteNames } from '../../src/sdp/srtp-key.ts';
import { runs, settings } from './mutation.ts';

const suite = fc.constantFrom(...srtpSuiteNames);

/** Random bytes, many of which begin like RTP or RTCP so that they get past the first checks. */
const datagram = fc.oneof(
  fc.uint8Array({ maxLength: 2100 }),
  fc
    .tuple(
      fc.constantFrom(0x80, 0x90, 0xa0, 0x81, 0x9f, 0xbf),
      fc.constantFrom(0, 8, 101, 200, 201),
      fc.uint8Array({ minLength: 6, maxLength: 200 }),
    )
    .map(([first, second, rest]) => Uint8Array.from([first, second, ...rest])),
);

describe('any bytes at all', () => {
  it('are dropped, counted once each, and left as they came', () => {
    fc.assert(
      fc.property(suite, fc.array(datagram, { maxLength: 20 }), (name, datagrams) => {
        const receiver = new SrtpReceiver(freshKey(name), new SrtpReceiver(freshKey(name)));
        for (const bytes of datagrams) {
          const copy = Uint8Array.from(bytes);
          expect(receiver.openRtp(copy)).toBe(0);
          expect(receiver.openRtcp(copy)).toBe(0);
          expect(copy).toEqual(bytes);
        }
        expect(receiver.unauthentic + receiver.replayed).toBe(2 * datagrams.length);
      }),
      { ...settings, numRuns: Math.ceil(runs / 10) },
    );
  });

  it('as values of a=crypto give keys of the right length, or none', () => {
    const word = fc.oneof(
      fc.constantFrom(
        ...srtpSuiteNames,
        'inline:',
        'inline:AAAA|2^20|1:4',
        'WSH=64',
        'KDR=1',
        '1',
        '|',
        ';',
        ' ',
      ),
      fc.string({ unit: 'binary', maxLength: 90 }),
      fc.base64String({ maxLength: 80 }).map(text => `inline:${text}`),
    );
    fc.assert(
      fc.property(fc.array(fc.array(word, { maxLength: 6 }), { maxLength: 40 }), lines => {
        const attributes = lines.map(words => ({ name: 'crypto', value: words.join(' ') }));
        for (const { tag, key } of readCrypto(attributes)) {
          expect(tag).toMatch(/^\d{1,9}$/);
          expect([28, 30, 46]).toContain(key.key.length + key.salt.length);
        }
      }),
      settings,
    );
  });
});

describe('packets of one sender in any order, lost, doubled and damaged', () => {
  it('are each opened once at most, never when damaged, and always while they are in the window', () => {
    const step = fc.record({
      ahead: fc.integer({ min: 1, max: 300 }),
      what: fc.constantFrom('good', 'lost', 'twice', 'damaged', 'late'),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(suite, fc.nat(0x7fff), fc.array(step, { maxLength: 60 }), (name, first, steps) => {
        const key = freshKey(name);
        const sender = new SrtpSender(key);
        const receiver = new SrtpReceiver(key);
        let index = first;
        let highest = -1;
        const waiting: { readonly index: number; readonly wire: Buffer }[] = [];
        const open = (wire: Buffer) => receiver.openRtp(Buffer.from(wire)) > 0;
        for (const { ahead, what, at } of steps) {
          index += ahead;
          const wire = Buffer.alloc(52 + sender.rtpExtraBytes);
          writeHeader(wire, 0, false, index & 0xffff, index, 77);
          sender.sealRtp(wire, 52);
          if (what === 'late') waiting.push({ index, wire });
          if (what === 'damaged') {
            const damaged = Buffer.from(wire);
            damaged[at % wire.length] = damaged[at % wire.length]! ^ 0x10;
            expect(open(damaged)).toBe(false);
          }
          if (what === 'lost' || what === 'late') continue;
          expect(open(wire)).toBe(true);
          highest = index;
          if (what === 'twice') expect(open(wire)).toBe(false);
          for (const old of waiting.splice(0, at % 3)) {
            expect(open(old.wire)).toBe(highest - old.index < 128);
          }
        }
      }),
      { ...settings, numRuns: Math.ceil(runs / 4) },
    );
  });
});

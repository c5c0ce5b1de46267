import { describe, expect, it } from 'vitest';
import { cleanFields } from '../../../../../src/observability/redaction.ts';
import { parseSdp } from '../../../../../src/sdp/parser.ts';
import { StreamFramer } from '../../../../../src/sip/embedded/message/framer.ts';
import { messageLimits } from '../../../../../src/sip/embedded/message/limits.ts';
import { parseMessage } from '../../../../../src/sip/embedded/message/parser.ts';
import { parseNameAddrList, parseUri } from '../../../../../src/sip/embedded/message/uri.ts';
import { parseViaList } from '../../../../../src/sip/embedded/message/via.ts';
import { LadderMask } from '../../../../../src/sip/ladder-mask.ts';
import { parseAuthorization } from '../../../../../src/trunks/digest.ts';

/** Made of what makes a pattern that backtracks try again: nothing that ever comes to an end. */
const hostile: Readonly<Record<string, (size: number) => string>> = {
  blanks: size => ' '.repeat(size),
  'blanks and commas': size => ' ,'.repeat(size / 2),
  'quotes that never close': size => '"\\'.repeat(size / 2),
  'brackets that never close': size => '<'.repeat(size),
  parameters: size => ';a'.repeat(size / 2),
  'equals signs': size => ';a="b'.repeat(size / 5),
  colons: size => 'sip:'.repeat(size / 4),
  digits: size => '1'.repeat(size),
  'digits with gaps': size => '1 - '.repeat(size / 4),
  'escapes that are none': size => '%1'.repeat(size / 2),
  'ends of lines': size => '\r\n '.repeat(size / 3),
  'signs of a URI': size => 'sip:a@'.repeat(size / 6),
  keys: size => 'inline:'.repeat(size / 7),
};

const message = (value: string) => `INVITE sip:x@y SIP/2.0\r\nVia: ${value}\r\nX-A: ${value}\r\n\r\n`;

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  framer: text => {
    const framer = new StreamFramer(messageLimits);
    framer.push(Buffer.from(message(text)));
    return framer.next();
  },
  parser: text =>
    parseMessage(Buffer.from(message(text)), Buffer.alloc(0), { ...messageLimits, headBytes: 1e6 }),
  URI: text => parseUri(`sip:${text}`),
  'addresses in a list': text => parseNameAddrList(text),
  Via: text => parseViaList(`SIP/2.0/TCP ${text}`),
  SDP: text => parseSdp(`v=0\r\no=${text}\r\n${text}\r\n`),
  digest: text => parseAuthorization(`Digest ${text}`),
  'picture of a call': text => new LadderMask().mask(message(text), `v=0\r\na=crypto:1 ${text}\r\n`),
  log: text => cleanFields({ a: text, caller: text, list: [text] }),
};

const rounds = 6;

/** Least of several times, ms: what else runs on the machine makes it longer, never shorter. */
function least(work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < 2; i++) work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

/** Eight times the input takes eight times as long where the time is linear, sixty-four where it is squared. */
const [small, large] = [1_000, 8_000];
const mostGrowth = 32;
/** Below that it is the noise that is measured, ms. */
const floorMs = 1;

function growth(read: (text: string) => unknown, make: (size: number) => string): number {
  const [short, long] = [make(small), make(large)];
  return (
    least(() => read(long)) /
    Math.max(
      floorMs,
      least(() => read(short)),
    )
  );
}

describe('what reads from the network takes time in proportion to what it reads', () => {
  for (const [name, read] of Object.entries(readers)) {
    it(name, () => {
      const slow = Object.entries(hostile)
        .map(([what, make]) => ({ what, growth: growth(read, make) }))
        .filter(each => each.growth > mostGrowth);
      expect(slow).toEqual([]);
    });
  }

  it('as this test would notice if it did not', { timeout: 60_000 }, () => {
    // Blanks at the end of a line, as they are often looked for: tried anew from each of them. Twice as many as above, or
    // a fast machine is through with the short ones before there is anything to measure.
    expect(
      growth(
        text => /\s+$/.test(`${text}x`),
        size => ' '.repeat(2 * size),
      ),
    ).toBeGreaterThan(mostGrowth);
  });
});

describe('an ordinary INVITE', () => {
  it('is parsed for a bounded multiple of what cutting it into lines costs', async () => {
    const { parseCost } = await import(
      new URL('../../../../../scripts/parse-cost.mjs', import.meta.url).href
    );
    // Measured: 11 to 14 times. The bound is for what is wrong by a factor.
    expect(parseCost(2_000).ratio).toBeLessThan(40);
  });
});

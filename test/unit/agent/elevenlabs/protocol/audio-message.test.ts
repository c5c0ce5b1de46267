import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickAudio, strictBase64 } from '../../../../../src/agent/elevenlabs/protocol/audio-message.ts';
import { scanAudio } from '../../../../../src/agent/elevenlabs/protocol/audio-scan.ts';
import { readMessage, readSlowly } from '../../../../../src/agent/elevenlabs/protocol/reader.ts';

const sound = Buffer.from([9, 8, 7, 6, 5]);
const base64 = sound.toString('base64');

/** Text that looks like audio messages do, whole and broken: keys, quotes, escapes and base64 in any order. */
const pieces = fc.constantFrom(
  '"audio_base_64":"',
  '"audio_base_64": "',
  '"audio_base_64"',
  '"audio_event":{',
  '"audio_event": {',
  '"type":"audio"',
  '"type":"ping"',
  '"event_id":3',
  '"event_id":4',
  'AAAA',
  'Zm9v',
  'Zg==',
  '"',
  ',',
  '{',
  '}',
  '\\',
  '\\"',
  ':',
  ' ',
  'é',
  '\n',
);

/** Messages that are JSON, with the parts of an audio message in unusual places. */
const odd = fc.record(
  {
    type: fc.constantFrom('audio', 'ping', 'agent_response'),
    audio_base_64: fc.constantFrom('AAAA', '', 'x'),
    audio_event: fc.oneof(
      fc.constant(null),
      fc.constant('audio_base_64'),
      fc.record(
        {
          event_id: fc.oneof(fc.integer(), fc.constant('3'), fc.double(), fc.constant(null)),
          audio_base_64: fc.oneof(fc.base64String(), fc.string(), fc.integer(), fc.constant('')),
          alignment: fc.record({ chars: fc.array(fc.string()), char_start_times_ms: fc.array(fc.nat()) }),
          nested: fc.record({ audio_base_64: fc.base64String() }),
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: [] },
);

/** What the fast way makes of a message, when it makes something of it, is what the slow way makes of it. */
const same = (text: string) => {
  const data = Buffer.from(text);
  for (const quick of [quickAudio(data), scanAudio(data)])
    if (quick !== undefined) expect(readSlowly(data)).toEqual({ kind: 'audio', ...quick });
};

describe('the fast way to read sound', () => {
  it.each([
    ['compact', `{"type":"audio","audio_event":{"audio_base_64":"${base64}","event_id":3}}`],
    ['with spaces', `{"type": "audio", "audio_event": {"audio_base_64": "${base64}", "event_id": 3}}`],
    ['payload first', `{"audio_event":{"event_id":3,"audio_base_64":"${base64}"},"type":"audio"}`],
    [
      'with alignment',
      `{"type":"audio","audio_event":{"alignment":{"chars":["ü"]},"audio_base_64":"${base64}","event_id":3}}`,
    ],
  ])('takes a message that is %s', (_, text) => {
    expect(quickAudio(Buffer.from(text))).toEqual({ eventId: 3, audio: sound });
  });

  it.each([
    ['has an escape', '{"type":"audio","audio_event":{"audio_base_64":"\\u0041AAA","event_id":3}}'],
    [
      'repeats the key',
      '{"audio_base_64":"AAAA","type":"audio","audio_event":{"audio_base_64":"","event_id":3}}',
    ],
    ['is another type', '{"type":"x","audio_event":{"audio_base_64":"AAAA","event_id":3}}'],
    ['is cut off', '{"type":"audio","audio_event":{"audio_base_64":"AAAA'],
    ['holds a control character', '{"type":"audio","audio_event":{"audio_base_64":"AA\nAA","event_id":3}}'],
  ])('leaves a message to the slow way that %s', (_, text) => {
    expect(quickAudio(Buffer.from(text))).toBeUndefined();
    expect(scanAudio(Buffer.from(text))).toBeUndefined();
    same(text);
  });

  it.each([
    `{"type":"audio","audio_event":{"audio_base_64":"${base64}","event_id":3}}`,
    ` {\t"audio_event" : { "event_id" : 3 ,\r\n"audio_base_64" :"${base64}" } , "type": "audio"}\n`,
    `{"type":"audio","audio_event":{"audio_base_64":"${base64.replace('=', '')}","event_id":3}}`,
  ])('scans %j', text => {
    expect(scanAudio(Buffer.from(text))).toEqual({ eventId: 3, audio: sound });
  });

  it.each([
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":3,"alignment":{}}}',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":03}}',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":3.5}}',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":-3}}',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":3},"audio_event":{}}',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA","audio_base_64":"","event_id":3}}',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA"}}',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAAA","event_id":3}}',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":3}}x',
    '{"type":"audio","audio_event":{"audio_base_64":"AAAA","event_id":3},}',
    '',
  ])('does not scan %j', text => {
    expect(scanAudio(Buffer.from(text))).toBeUndefined();
    same(text);
  });

  it('gives what JSON.parse of the whole gives, for any sound', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.boolean(), (bytes, eventId, flip) => {
        const event = { audio_base_64: Buffer.from(bytes).toString('base64'), event_id: eventId };
        const message = flip ? { audio_event: event, type: 'audio' } : { type: 'audio', audio_event: event };
        const data = Buffer.from(JSON.stringify(message));
        expect(quickAudio(data)).toEqual({ eventId, audio: Buffer.from(bytes) });
        expect(scanAudio(data)).toEqual({ eventId, audio: Buffer.from(bytes) });
        expect(readSlowly(data)).toEqual({ kind: 'audio', eventId, audio: Buffer.from(bytes) });
      }),
    );
  });

  it('gives what the slow way gives, for JSON with its parts in odd places', () => {
    fc.assert(
      fc.property(odd, message => same(JSON.stringify(message))),
      { numRuns: 500 },
    );
  });

  it('gives what the slow way gives, for text that only looks like an audio message', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), parts => same(parts.join(''))),
      { numRuns: 3000 },
    );
  });
});

it('the reader takes the fast way for a long message, where it makes a difference, with the same outcome', () => {
  const long = Buffer.alloc(300_000, 5);
  const event = { audio_base_64: long.toString('base64'), event_id: 3 };
  const data = Buffer.from(JSON.stringify({ type: 'audio', audio_event: event }));
  for (const reading of [readMessage(data), readSlowly(data)]) {
    expect(reading).toMatchObject({ kind: 'audio', eventId: 3 });
    // Not `toEqual`, which looks at the bytes one by one and takes seconds for it.
    expect('audio' in reading && reading.audio.equals(long)).toBe(true);
  }
});

describe('strict base64', () => {
  it('is what Buffer makes of it, padded or not', () => {
    expect(strictBase64('Zm9vYg==')?.toString()).toBe('foob');
    expect(strictBase64('Zm9vYg')?.toString()).toBe('foob');
    expect(strictBase64('')?.length).toBe(0);
  });

  it.each(['A', 'AAAAA', 'A=', 'AA=', 'A===', 'AA=A', 'AA AA', 'A?AA', '====', 'é===', 'AAé='])(
    'refuses "%s"',
    text => {
      expect(strictBase64(text)).toBeUndefined();
    },
  );
});

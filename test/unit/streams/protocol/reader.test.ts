import { describe, expect, it } from 'vitest';
import { StreamReader } from '../../../../src/streams/protocol/reader.ts';
import { bytesPerCall } from '../../../support/allocation.ts';

const sid = 'MZ00000000000000000000000000000001';
const sound = Buffer.from(Array.from({ length: 160 }, (_, i) => (i * 7) & 0xff));

function mediaText(changes: object = {}, inner: object = {}): string {
  const media = {
    track: 'inbound',
    chunk: '2',
    timestamp: '40',
    payload: sound.toString('base64'),
    ...inner,
  };
  return JSON.stringify({ event: 'media', sequenceNumber: '3', media, streamSid: sid, ...changes });
}

const start = {
  event: 'start',
  sequenceNumber: '1',
  start: {
    accountSid: 'AC1',
    streamSid: sid,
    callSid: 'CA1',
    tracks: ['inbound'],
    mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
    customParameters: { ticket: 'abc', other: 'x' },
  },
  streamSid: sid,
};

function read(text: string | object) {
  const reader = new StreamReader();
  const message = reader.read(Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)));
  return { message, reader, heard: Buffer.from(reader.sound) };
}

describe('what Twilio sends', () => {
  it('is sound, with its place and its number', () => {
    const { message, reader, heard } = read(mediaText());
    expect(message).toEqual({ event: 'media' });
    expect(heard.equals(sound)).toBe(true);
    expect([reader.timestampMs, reader.chunk]).toEqual([40, 2]);
  });

  it.each([
    ['keys in another order', JSON.stringify({ media: JSON.parse(mediaText()).media, event: 'media' })],
    ['space between everything', JSON.stringify(JSON.parse(mediaText()), null, 2)],
    ['numbers that are numbers', mediaText({}, { chunk: 2, timestamp: 40 })],
    ['a key that nobody knows', mediaText({ region: 'us1' }, { codec: 'x' })],
    ['escaped slashes', mediaText().replaceAll('/', '\\/')],
    ['no padding', mediaText({}, { payload: sound.toString('base64').replace(/=+$/, '') })],
  ])('is the same sound with %s', (_what, text) => {
    const { message, heard } = read(text);
    expect(message).toEqual({ event: 'media' });
    expect(heard.equals(sound)).toBe(true);
  });

  it('is sound of any length, an empty one and half a second too', () => {
    for (const bytes of [0, 1, 2, 3, 159, 4000]) {
      const part = Buffer.alloc(bytes, 0x55);
      expect(read(mediaText({}, { payload: part.toString('base64') })).heard.equals(part)).toBe(true);
    }
  });

  it('is not the sound that we send ourselves', () => {
    expect(read(mediaText({}, { track: 'outbound' })).message).toEqual({ event: 'other' });
  });

  it('begins with connected and start', () => {
    const connected = { event: 'connected', protocol: 'Call', version: '1.0.0' };
    expect(read(connected).message).toEqual({ event: 'connected' });
    expect(read(start).message).toEqual({
      event: 'start',
      start: {
        streamSid: sid,
        callSid: 'CA1',
        accountSid: 'AC1',
        supported: true,
        parameters: new Map([
          ['ticket', 'abc'],
          ['other', 'x'],
        ]),
      },
    });
  });

  it('says so when its sound is of another kind', () => {
    const format = { encoding: 'audio/x-mulaw', sampleRate: 16000, channels: 1 };
    const { message } = read({ ...start, start: { ...start.start, mediaFormat: format } });
    expect(message).toMatchObject({ start: { supported: false } });
  });

  it('keeps sixteen parameters of a bounded length', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}`, 'x']));
    const long = { long: 'x'.repeat(2000), number: 7, good: 'y' };
    const parametersOf = (customParameters: object) => {
      const { message } = read({ ...start, start: { ...start.start, customParameters } });
      return message.event === 'start' ? [...message.start.parameters.keys()] : [];
    };
    expect(parametersOf(many)).toHaveLength(16);
    expect(parametersOf(long)).toEqual(['good']);
  });

  it('is a key, a mark, the end, or something new', () => {
    expect(read({ event: 'dtmf', dtmf: { track: 'inbound_track', digit: '#' } }).message).toEqual({
      event: 'dtmf',
      digit: '#',
    });
    expect(read({ event: 'mark', mark: { name: '7' } }).message).toEqual({ event: 'mark', name: '7' });
    expect(read({ event: 'stop', stop: { callSid: 'CA1' } }).message).toEqual({ event: 'stop' });
    expect(read({ event: 'something', x: [1] }).message).toEqual({ event: 'other' });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"event":"media"'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no event', '{}'],
    ['media without sound', '{"event":"media"}'],
    ['media that is no object', '{"event":"media","media":[]}'],
    ['a payload that is no base64', mediaText({}, { payload: 'ab*d' })],
    ['a payload that is cut', mediaText({}, { payload: 'abcde' })],
    ['another protocol', '{"event":"connected","protocol":"Fax"}'],
    ['a start without anything', '{"event":"start"}'],
    ['a start without a call', '{"event":"start","start":{"streamSid":"MZ1"}}'],
    [
      'a stream id that would not fit in a message',
      '{"event":"start","start":{"streamSid":"a\\"b","callSid":"CA1"}}',
    ],
    ['a key that no telephone has', '{"event":"dtmf","dtmf":{"digit":"12"}}'],
    ['a mark without a name', '{"event":"mark","mark":{}}'],
  ])('makes no sense when it is %s', (_what, text) => {
    expect(read(text).message.event).toBe('malformed');
  });

  it('never throws, whatever is cut off or changed in it', () => {
    const reader = new StreamReader();
    for (const text of [mediaText(), JSON.stringify(start)]) {
      for (let at = 0; at < text.length; at++) {
        reader.read(Buffer.from(text.slice(0, at)));
        reader.read(Buffer.from(`${text.slice(0, at)}\u0000${text.slice(at + 1)}`));
      }
    }
  });

  it('makes no object of sound', () => {
    const reader = new StreamReader();
    const data = Buffer.from(mediaText());
    expect(bytesPerCall(() => reader.read(data))).toBeLessThan(33);
    const slow = Buffer.from(mediaText({ region: 'us1' }));
    expect(bytesPerCall(() => reader.read(slow))).toBeGreaterThan(200);
  });
});

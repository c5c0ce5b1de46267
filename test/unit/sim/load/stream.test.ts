import { describe, expect, it } from 'vitest';
import { Distribution } from '../../../../src/sim/load/distribution.ts';
import { earFor } from '../../../../src/sim/load/ear.ts';
import { Marks } from '../../../../src/sim/load/marks.ts';
import { callerPayloads, profiles } from '../../../../src/sim/load/profile.ts';
import { freshMaster, Seal, tagBytes } from '../../../../src/sim/load/seal.ts';
import { Stream, type Tally } from '../../../../src/sim/load/stream.ts';

const { hum, word } = callerPayloads(profiles.pcmu);
const silence = Buffer.alloc(160, 0xff);

function newTally(): Tally {
  return {
    measuring: true,
    sent: 0,
    received: 0,
    lost: 0,
    disordered: 0,
    gaps: 0,
    unopened: 0,
    lateness: new Distribution(),
    interval: new Distribution(),
    speech: new Marks(),
    silence: new Marks(),
    word: new Marks(),
  };
}

function made(call = 3) {
  const tally = newTally();
  const stream = new Stream({ call, payloadType: 0, hum, word, ear: earFor('PCMU'), tally });
  return { stream, tally };
}

/** Packet number `sequence` of a far end, with the timestamp of its place unless another is given. */
function packet(sequence: number, payload: Buffer = silence, place = sequence, payloadType = 0): Buffer {
  const head = Buffer.alloc(12);
  head[0] = 0x80;
  head[1] = payloadType;
  head.writeUInt16BE(sequence & 0xffff, 2);
  head.writeUInt32BE((place * 160) >>> 0, 4);
  return Buffer.concat([head, payload]);
}

describe('what a telephone hears', () => {
  it('counts what is missing, also across the end of the sequence numbers', () => {
    const { stream, tally } = made();
    for (const at of [65_533, 65_534, 65_537, 65_538]) stream.hear(packet(at), at * 20);
    expect(tally).toMatchObject({ received: 4, lost: 2, disordered: 0 });
  });

  it('leaves out what comes again or late', () => {
    const { stream, tally } = made();
    for (const at of [10, 11, 11, 10, 12]) stream.hear(packet(at), 0);
    expect(tally).toMatchObject({ received: 3, disordered: 2, lost: 0 });
  });

  it('measures lateness against the grid of the earliest packet', () => {
    const { stream, tally } = made();
    const late = [1, 0, 5, 0.25];
    for (const [at, ms] of late.entries()) stream.hear(packet(at), 1000 + at * 20 + ms);
    // The first one sets the grid, the second one is earlier and moves it.
    expect(tally.lateness.summary()).toMatchObject({ count: 4, max: 5 });
    expect(tally.lateness.percentile(0.5)).toBeLessThanOrEqual(0.3);
  });

  it('does not call late what follows a jump of the timestamps', () => {
    const { stream, tally } = made();
    stream.hear(packet(0), 0);
    stream.hear(packet(1, silence, 6), 120);
    expect(tally.lateness.summary().max).toBe(0);
    expect(tally).toMatchObject({ lost: 0, gaps: 1 });
  });

  it('counts only in the window, but keeps its place before it', () => {
    const { stream, tally } = made();
    tally.measuring = false;
    stream.hear(packet(0), 0);
    stream.hear(packet(5), 100);
    tally.measuring = true;
    stream.mark(100);
    stream.hear(packet(6), 121);
    expect(tally).toMatchObject({ received: 1, lost: 0 });
    expect(tally.interval.summary()).toMatchObject({ count: 1, max: 21 });
    expect([stream.received, stream.sinceMark]).toEqual([1, true]);
  });

  it('marks where silence becomes speech and speech silence', () => {
    const { stream, tally } = made();
    const sounds = [silence, word, word, silence, silence];
    for (const [at, sound] of sounds.entries()) stream.hear(packet(at, sound), at * 20);
    expect(tally.speech.list).toEqual([{ call: 3, at: 20 }]);
    expect(tally.silence.list).toEqual([{ call: 3, at: 60 }]);
  });

  it('calls a packet silent when only its beginning is not', () => {
    const { stream, tally } = made();
    const fading = Buffer.concat([word.subarray(0, 40), silence.subarray(40)]);
    for (const [at, sound] of [word, fading].entries()) stream.hear(packet(at, sound), at * 20);
    expect(tally.silence.list).toEqual([{ call: 3, at: 20 }]);
  });

  it('ignores what is no sound of its codec', () => {
    const { stream, tally } = made();
    stream.hear(packet(1, silence, 1, 101), 0);
    stream.hear(Buffer.alloc(5), 0);
    expect(tally.received).toBe(0);
  });
});

describe('what a telephone sends', () => {
  it('is a stream without a hole', () => {
    const { stream } = made();
    const seen = Array.from({ length: 5 }, () => {
      const next = stream.next(0);
      return [next[0], next[1], next.readUInt16BE(2), next.readUInt32BE(4), next.length];
    });
    expect(seen).toEqual([1, 2, 3, 4, 5].map(n => [0x80, 0, n, n * 160, 172]));
  });

  it('is a hum with a loud word of 100 ms every 5 s, which is marked', () => {
    const { stream, tally } = made(0);
    const ear = earFor('PCMU');
    const loud = Array.from({ length: 500 }, (_, frame) => ear(stream.next(frame * 20), 12, 160));
    const begins = loud.flatMap((each, at) => (each && loud[at - 1] !== true ? [at] : []));
    expect(begins).toEqual([0, 250]);
    expect(loud.filter(Boolean)).toHaveLength(10);
    expect(tally.word.list).toEqual([
      { call: 0, at: 0 },
      { call: 0, at: 5000 },
    ]);
  });
});

describe('an encrypted stream', () => {
  const [masterA, masterB] = [freshMaster(), freshMaster()];
  const pair = () =>
    [
      { send: new Seal(masterA), receive: new Seal(masterB) },
      { send: new Seal(masterB), receive: new Seal(masterA) },
    ].map(seals => {
      const tally = newTally();
      const options = { call: 3, payloadType: 0, hum, word, ear: earFor('PCMU'), tally, seals };
      return { stream: new Stream(options), tally };
    });

  it('is understood by whoever has the keys, and counts what has a wrong tag', () => {
    const [near, far] = pair();
    for (let frame = 0; frame < 3; frame++) {
      const sent = Buffer.from(near!.stream.next(frame * 20));
      expect(sent.length).toBe(172 + tagBytes);
      expect([hum, word].some(sound => sent.subarray(12, 172).equals(sound))).toBe(false);
      far!.stream.hear(sent, frame * 20);
    }
    far!.stream.hear(packet(4), 80);
    expect(far!.tally).toMatchObject({ received: 3, lost: 0, unopened: 1 });
  });
});

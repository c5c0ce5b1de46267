import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamInbound } from '../../../../src/media/stream/inbound.ts';
import { Ear, speech } from '../media-world.ts';

const step = 160;

/** What came out of the way in: to the agent, and to a recording. */
class World {
  readonly inbound = new StreamInbound(() => undefined);
  readonly ear: Ear;
  readonly recorded: string[] = [];
  constructor(format: 'ulaw_8000' | 'pcm_16000' = 'ulaw_8000') {
    this.ear = new Ear(format);
    this.inbound.setSink(this.ear);
  }
  tap(on: boolean): void {
    this.inbound.setTap(
      on
        ? {
            heard: (atMs, samples, count) => void this.recorded.push(`${atMs} ${samples[0]} ${count}`),
            sent: () => undefined,
            withdrawn: () => undefined,
          }
        : undefined,
    );
  }
  get heard(): Buffer {
    return Buffer.concat(this.ear.chunks);
  }
}

const change = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('say' as const),
      bytes: fc.constantFrom(step, step, 80, 7, 400),
    }),
  },
  fc.record({ what: fc.constant('tap' as const), on: fc.boolean() }),
  fc.record({ what: fc.constant('shield' as const), on: fc.boolean() }),
  fc.record({ what: fc.constant('listen' as const), on: fc.boolean() }),
  fc.record({ what: fc.constant('sink' as const), on: fc.boolean() }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** No two pieces of it are the same. */
const sound = Buffer.from(Array.from({ length: 40 * 400 }, (_, i) => (i * 37 + i ** 2 / 300) & 0xff));

/** `whole`: sound comes as it comes; else a byte at a time, which is gathered. */
function run(changes: readonly Change[], format: 'ulaw_8000' | 'pcm_16000', whole: boolean): World {
  const world = new World(format);
  let at = 0;
  for (const each of changes) {
    if (each.what === 'tap') world.tap(each.on);
    else if (each.what === 'shield') world.inbound.shield(each.on);
    else if (each.what === 'listen') world.inbound.listenForTones(each.on);
    else if (each.what === 'sink') world.inbound.setSink(each.on ? world.ear : undefined);
    else {
      const part = sound.subarray(at, at + each.bytes);
      at += each.bytes;
      if (whole) world.inbound.take(part, -1, -1, 1000);
      else for (let i = 0; i < part.length; i++) world.inbound.take(part.subarray(i, i + 1), -1, -1, 1000);
    }
  }
  return world;
}

describe('the way in of a media stream', () => {
  it('hands 20 ms on from where they lie, when nobody needs their samples', () => {
    const world = new World();
    const given: Uint8Array[] = [];
    world.inbound.setSink({ format: 'ulaw_8000', write: bytes => void given.push(bytes) });
    const part = speech(20);
    world.inbound.take(part, 0, 1, 1000);
    expect(given[0]).toBe(part);
    world.tap(true);
    world.inbound.take(part, 20, 2, 1020);
    world.tap(false);
    world.inbound.shield(true);
    world.inbound.take(part, 40, 3, 1040);
    world.inbound.shield(false);
    for (let i = 0; i < 400; i++) world.inbound.take(part, -1, -1, 1060);
    world.inbound.listenForTones(true);
    world.inbound.take(part, -1, -1, 1080);
    world.inbound.listenForTones(false);
    world.inbound.take(part.subarray(0, 80), -1, -1, 1100);
    expect(given.slice(1, 3).some(bytes => bytes === part)).toBe(false);
    expect(given.at(-1)).not.toBe(part);
    // The shield has gone down by itself, so the last of those were handed on as they were again.
    expect(given[402]).toBe(part);
    world.inbound.take(part.subarray(80), -1, -1, 1120);
    world.inbound.take(part, -1, -1, 1140);
    expect(given.at(-1)).toBe(part);
  });

  it('gives the same sound whether that lies in pieces of 20 ms or not, whatever is switched meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 3, maxLength: 40, size: 'max' }),
        fc.constantFrom('ulaw_8000' as const, 'pcm_16000' as const),
        (changes, format) => {
          const [whole, gathered] = [run(changes, format, true), run(changes, format, false)];
          expect(whole.heard.equals(gathered.heard)).toBe(true);
          expect(whole.recorded).toEqual(gathered.recorded);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps the sound of two streams apart that come in pieces by turns', () => {
    const worlds = [new World(), new World('pcm_16000'), new World()];
    worlds[2]!.tap(true);
    const alone = [new World(), new World('pcm_16000'), new World()];
    alone[2]!.tap(true);
    for (let at = 0; at < 8000; at += 100)
      worlds.forEach(({ inbound }, i) => {
        inbound.take(sound.subarray(at + 1000 * i, at + 1000 * i + 100), -1, -1, 1000);
      });
    alone.forEach(({ inbound }, i) => {
      inbound.take(sound.subarray(1000 * i, 1000 * i + 8000), -1, -1, 1000);
    });
    for (const [i, { heard, recorded }] of worlds.entries()) {
      expect(heard.equals(alone[i]!.heard)).toBe(true);
      expect(recorded).toEqual(alone[i]!.recorded);
    }
  });

  it('knows when sound came last, in whole ms', () => {
    const { inbound } = new World();
    expect(inbound.lastPacketMs).toBe(undefined);
    inbound.take(speech(20), 0, 1, 1234.9);
    expect(inbound.lastPacketMs).toBe(1234);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { DtmfDetector } from '../../../codecs/dtmf-detector.ts';
import { decodeUlaw } from '../../../codecs/g711.ts';
import { dtmf, sine } from '../../../codecs/tones.ts';
import { mediaLimits } from '../../../src/media/limits.ts';
import type { MediaPlan } from '../../../src/sdp/plan.ts';
import { MediaWorld, plan, speech } from './media-world.ts';

let world: MediaWorld;
afterEach(() => world.session.close());

/** A call that is up; the caller presses keys as RFC 4733 tells it. */
function answered(): MediaWorld {
  world = new MediaWorld().answered();
  return world;
}

/** Presses keys, a fifth of a second apart. */
function keys(...events: number[]): void {
  for (const event of events) {
    world.press(event);
    world.run(200);
  }
}

const hash = 11;

/** Keys digits as tones of 80 ms, 120 ms apart, in a hum; nothing else tells the keys. */
function keyTones(digits: string): void {
  const hum = sine(8000, 300, -30);
  for (const digit of digits) {
    const tone = dtmf(8000, digit, -13);
    for (let at = 0; at < 200; at += 20) world.sing(at < 80 ? tone : hum);
  }
}

describe('a session in secure mode', () => {
  it('tells what is keyed as a secret and not as an entry', () => {
    answered().session.secure(true);
    keys(1, 2, 3, 4, hash);
    expect(world.told.words).toEqual(['keyed 1234']);
  });

  it('tells an entry to the agent when it is not', () => {
    answered();
    keys(1, 2, 3, 4, hash);
    expect(world.told.words).toEqual(['entry 1234']);
  });

  it('keeps an entry whole that began before it', () => {
    answered();
    keys(1, 2);
    world.session.secure(true);
    keys(3, 4);
    world.run(mediaLimits.entryGapMs);
    expect(world.told.words).toEqual(['keyed 1234']);
  });

  it('takes digits of SIP INFO as well', () => {
    answered().session.secure(true);
    for (const digit of '5678#') world.session.digit(digit);
    expect(world.told.words).toEqual(['keyed 5678']);
  });

  it('cuts the agent off at the first key, as ever', () => {
    answered();
    world.session.audio(1, speech(2000));
    world.run(100);
    expect(world.session.queuedMs).toBeGreaterThan(0);
    world.session.secure(true);
    keys(1);
    expect(world.session.queuedMs).toBe(0);
    expect(world.session.stats().interruptions).toBe(1);
  });

  it('drops an entry that is still being keyed when it ends, to its last digit', () => {
    answered().session.secure(true);
    keys(1, 2, 3);
    world.session.secure(false);
    keys(4, 5, 6, hash);
    world.run(1000);
    keys(7, hash);
    expect(world.told.words).toEqual([]);
    world.run(mediaLimits.entryGapMs);
    keys(8, hash);
    expect(world.told.words).toEqual(['entry 8']);
  });

  it('swallows a code that is keyed once more just after the first was right', () => {
    answered().session.secure(true);
    keys(1, 2, 3, 4, hash);
    world.session.secure(false);
    world.run(1500);
    keys(1, 2, 3, 4);
    world.run(mediaLimits.entryGapMs + 100);
    expect(world.told.words).toEqual(['keyed 1234']);
  });

  it('goes on when it is asked for again while it is ending', () => {
    answered().session.secure(true);
    world.session.secure(false);
    world.session.secure(true);
    world.run(5000);
    keys(1, 2, hash);
    expect(world.told.words).toEqual(['keyed 12']);
  });

  it('wipes the digits once they were told', () => {
    answered();
    const kept: Uint8Array[] = [];
    world.told.keyed = digits => void kept.push(digits);
    world.session.secure(true);
    keys(1, 2, 3, 4, hash);
    expect([...(kept[0] ?? [])]).toEqual([0, 0, 0, 0]);
  });
});

describe('the sound of a session in secure mode', () => {
  function toneAtAgent(): boolean {
    const detector = new DtmfDetector(8000);
    const heard = Buffer.concat(world.ear.chunks);
    const samples = new Int16Array(heard.length);
    decodeUlaw(heard, 0, heard.length, samples, 0);
    for (let at = 0; at + 160 <= samples.length; at += 160) {
      detector.take(samples, at, 160);
      if (detector.sounding) return true;
    }
    return false;
  }

  it('has no tone in it, and the tones are the digits', () => {
    answered().session.secure(true);
    keyTones('1234');
    world.run(mediaLimits.entryGapMs);
    expect(world.told.words).toEqual(['keyed 1234']);
    expect(toneAtAgent()).toBe(false);
  });

  it('has them when it is not in secure mode, where nobody looks for them', () => {
    answered();
    keyTones('1234');
    world.run(mediaLimits.entryGapMs);
    expect(world.told.words).toEqual([]);
    expect(toneAtAgent()).toBe(true);
  });

  it('passes bytes on as they came only outside of it', () => {
    answered();
    const odd = Buffer.alloc(160, 0x7f);
    const came = () => world.ear.chunks.some(chunk => chunk.equals(odd));
    for (let i = 0; i < 10; i++) {
      world.hear(odd);
      world.run(20);
    }
    expect(came()).toBe(true);
    world.session.secure(true);
    world.run(20);
    world.ear.chunks.length = 0;
    for (let i = 0; i < 10; i++) {
      world.hear(odd);
      world.run(20);
    }
    expect(came()).toBe(false);
  });

  it('does not count a key twice that is told as a tone and as an event', () => {
    answered().session.secure(true);
    for (const key of [1, 2]) {
      const tone = dtmf(8000, `${key}`, -13);
      for (let at = 0; at < 60; at += 20) world.sing(tone);
      world.run(60);
      keys(key);
    }
    keys(hash);
    expect(world.told.words).toEqual(['keyed 12']);
  });
});

describe('a session whose peer takes no telephone-events', () => {
  const plain = (): MediaPlan => {
    const { receiveEventPayloadType: _, sendEventPayloadType: __, ...rest } = plan;
    return rest;
  };

  it.each([
    ['auto', ['entry 42']],
    ['on', ['entry 42']],
    ['off', []],
  ] as const)('finds keys in its sound when tones are %s: %j', (tones, words) => {
    world = new MediaWorld({ tones }).answered(plain());
    keyTones('42');
    world.run(mediaLimits.entryGapMs + 200);
    expect(world.told.words).toEqual(words);
  });
});

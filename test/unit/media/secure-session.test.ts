import { afterEach, describe, expect, it } from 'vitest';
import { mediaLimits } from '../../../src/media/limits.ts';
import { MediaWorld, speech } from './media-world.ts';

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

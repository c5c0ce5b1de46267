import { describe, expect, it } from 'vitest';
import {
  CallPlaces,
  GuessGuard,
  Recent,
  Strangers,
  sourceKey,
  TokenBucket,
  trunkLimits,
} from '../../../src/trunks/limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('a source', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::ffff', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['not an address', 'not an address'],
  ])('%s is counted as %s', (address, key) => {
    expect(sourceKey(address)).toBe(key);
  });
});

describe('a token bucket', () => {
  it('lets the burst through at once, then its rate', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket(clock, 10, 20);
    const taken = () => Array.from({ length: 50 }, () => bucket.take()).filter(Boolean).length;
    expect(taken()).toBe(20);
    clock.advance(500);
    expect(taken()).toBe(5);
    clock.advance(3_600_000);
    expect(taken()).toBe(20);
  });

  it('can be given another rate while it runs', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket(clock, 1, 100);
    bucket.tune(2, 4);
    expect(Array.from({ length: 10 }, () => bucket.take()).filter(Boolean)).toHaveLength(4);
    clock.advance(1_000);
    expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, false]);
  });
});

describe('what is remembered', () => {
  it('never has more than its most, and forgets first what was quiet longest', () => {
    const recent = new Recent<string>(3);
    for (const key of ['a', 'b', 'c']) recent.touch(key, () => key);
    recent.touch('a', () => 'another');
    recent.touch('d', () => 'd');
    expect([recent.size, recent.peek('a'), recent.peek('b'), recent.peek('d')]).toEqual([
      3,
      'a',
      undefined,
      'd',
    ]);
  });
});

describe('a stranger', () => {
  const setup = () => {
    const clock = new ManualClock();
    return { clock, strangers: new Strangers(clock, trunkLimits) };
  };

  it('is silenced by the twentieth refusal, for ten minutes', () => {
    const { clock, strangers } = setup();
    const refused = Array.from({ length: 20 }, () => strangers.refuse('a'));
    expect(refused.indexOf(true)).toBe(19);
    expect([strangers.silenced('a'), strangers.silenced('b')]).toEqual([true, false]);
    clock.advance(trunkLimits.strangerSilenceMs - 1);
    expect(strangers.silenced('a')).toBe(true);
    clock.advance(1);
    expect(strangers.silenced('a')).toBe(false);
  });

  it('is forgiven its refusals by signing in, and after an hour', () => {
    const { clock, strangers } = setup();
    for (let i = 0; i < 19; i++) strangers.refuse('a');
    strangers.signIn('a');
    expect([strangers.refuse('a'), strangers.signedIn('a')]).toEqual([false, true]);
    for (let i = 0; i < 19; i++) strangers.refuse('b');
    clock.advance(trunkLimits.strangerMemoryMs);
    expect([strangers.refuse('b'), strangers.signedIn('a')]).toEqual([false, false]);
  });

  it('may ask only so often', () => {
    const { strangers } = setup();
    const allowed = Array.from({ length: 100 }, () => strangers.request('a')).filter(Boolean);
    expect(allowed).toHaveLength(trunkLimits.strangerBurst);
    expect(strangers.request('b')).toBe(true);
  });

  it('among a million costs no more than the memory of ten thousand', () => {
    const { strangers } = setup();
    for (let i = 0; i < 30_000; i++) strangers.refuse(`source ${i}`);
    expect(strangers.size).toBe(trunkLimits.sources);
  });
});

describe('guessing passwords', () => {
  const setup = () => {
    const clock = new ManualClock();
    return { clock, guard: new GuessGuard(clock, trunkLimits) };
  };
  /** How many of so many guesses may be compared. */
  const compared = (
    guard: GuessGuard,
    guesses: number,
    source: (i: number) => string,
    user: (i: number) => string,
  ) => {
    let count = 0;
    for (let i = 0; i < guesses; i++) {
      if (!guard.allows(source(i), user(i))) continue;
      guard.wrong(source(i), user(i));
      count++;
    }
    return count;
  };

  it('is over for a source after five, whatever users it tries', () => {
    const { guard } = setup();
    expect(
      compared(
        guard,
        1000,
        () => 'a',
        i => `user ${i}`,
      ),
    ).toBe(5);
    expect(guard.allows('a', 'pbx')).toBe(false);
    expect(guard.allows('b', 'pbx')).toBe(true);
  });

  it('of one user from everywhere is over after thirty', () => {
    const { guard } = setup();
    expect(
      compared(
        guard,
        10_000,
        i => `source ${i}`,
        () => 'pbx',
      ),
    ).toBe(30);
  });

  it('does not lock out the one who has signed in before', () => {
    const { guard } = setup();
    guard.right('home', 'pbx');
    compared(
      guard,
      1000,
      i => `source ${i}`,
      () => 'pbx',
    );
    compared(
      guard,
      1000,
      () => 'home',
      i => `user ${i}`,
    );
    expect([guard.allows('home', 'pbx'), guard.allows('home', 'other')]).toEqual([true, false]);
  });

  it('stops that one too when it is wrong five times', () => {
    const { guard } = setup();
    guard.right('home', 'pbx');
    expect(
      compared(
        guard,
        100,
        () => 'home',
        () => 'pbx',
      ),
    ).toBe(5);
  });

  it('may go on after a quarter of an hour, and five in a minute are counted anew each minute', () => {
    const { clock, guard } = setup();
    compared(
      guard,
      10,
      () => 'a',
      () => 'pbx',
    );
    clock.advance(trunkLimits.guessSilenceMs - 1);
    expect(guard.allows('a', 'pbx')).toBe(false);
    clock.advance(1);
    expect(
      compared(
        guard,
        4,
        () => 'a',
        () => 'pbx',
      ),
    ).toBe(4);
    clock.advance(trunkLimits.guessWindowMs);
    expect(
      compared(
        guard,
        4,
        () => 'a',
        () => 'pbx',
      ),
    ).toBe(4);
  });
});

describe('calls at once', () => {
  it('are counted by trunk, and given back', () => {
    const places = new CallPlaces();
    expect([places.take('a', 2), places.take('a', 2), places.take('a', 2)]).toEqual([true, true, false]);
    expect(places.take('b', 1)).toBe(true);
    places.release('a');
    expect([places.taken('a'), places.take('a', 2), places.taken('a')]).toEqual([1, true, 2]);
    places.release('b');
    expect(places.taken('b')).toBe(0);
  });
});

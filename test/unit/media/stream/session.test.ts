import { describe, expect, it, vi } from 'vitest';
import { encodeUlaw, ulawToLinear } from '../../../../codecs/g711.ts';
import { dtmf } from '../../../../codecs/tones.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { MediaMeters } from '../../../../src/media/meters.ts';
import { Line } from '../../../../src/media/outbound/line.ts';
import { Pacer } from '../../../../src/media/outbound/pacer.ts';
import { MediaSession } from '../../../../src/media/session.ts';
import type { StreamCarrier } from '../../../../src/media/stream/outbound.ts';
import { StreamWire, streamPlan } from '../../../../src/media/stream/wire.ts';
import { bytesPerCall } from '../../../support/allocation.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { Ear, speech, Told } from '../media-world.ts';

/** Twilio's side: keeps what it gets, and plays it by the test's clock. */
class Twilio implements StreamCarrier {
  bufferedBytes = 0;
  readonly got: string[] = [];
  readonly sound: Buffer[] = [];
  closed = false;
  media(sound: Uint8Array, steps: number): void {
    this.got.push(`media ${steps * 20}`);
    this.sound.push(Buffer.from(sound.subarray(0, steps * 160)));
  }
  mark(name: string): void {
    this.got.push(`mark ${name}`);
  }
  clear(): void {
    this.got.push('clear');
  }
  close(): void {
    this.closed = true;
  }
  /** What came since the last time. */
  take(): string[] {
    return this.got.splice(0);
  }
}

const silence = Buffer.alloc(160, 0xff);

class World {
  readonly clock = new ManualClock();
  readonly pacer = new Pacer(this.clock);
  readonly twilio = new Twilio();
  readonly told = new Told();
  readonly heard: string[] = [];
  readonly ear = new Ear();
  lost = 0;
  readonly ended: string[] = [];
  wire!: StreamWire;
  readonly session: MediaSession;

  constructor(attached = true) {
    this.session = new MediaSession({
      wire: listener => {
        this.wire = new StreamWire(
          {
            local: { rtpPort: 0, rtcpPort: 0 },
            clock: this.clock,
            meters: new MediaMeters(),
            lost: () => {
              this.lost++;
            },
            ended: how => void this.ended.push(how),
          },
          listener,
        );
        return this.wire;
      },
      pacer: this.pacer,
      clock: this.clock,
      log: silentLogger,
      mediaTimeoutMs: 10_000,
      drainCapMs: 30_000,
      listener: Object.assign(this.told, {
        heard: (eventId: number, heardMs: number, unheardMs: number) =>
          void this.heard.push(`${eventId}: ${heardMs} heard, ${unheardMs} not`),
      }),
    });
    this.session.agentReady('ulaw_8000', this.ear);
    if (attached) this.attach();
  }

  attach(): void {
    this.wire.attach(this.twilio);
    this.session.apply(streamPlan);
    this.session.open();
  }

  run(ms: number): void {
    for (let i = 0; i < ms; i++) this.clock.advance(1);
  }

  /** The caller is silent, which Twilio sends like everything else. */
  listen(ms: number): void {
    for (let at = 0; at < ms; at += 20) {
      this.wire.media(silence, -1, -1);
      this.run(Math.min(20, ms - at));
    }
  }

  /** The caller says something, 20 ms at a time, as Twilio sends it. */
  say(sound: Uint8Array): void {
    for (let at = 0; at < sound.length; at += 160) {
      const part = sound.subarray(at, at + 160);
      this.wire.media(part, at / 8, at / 160 + 1);
      this.run(20);
    }
  }

  get outMs(): number {
    return this.twilio.sound.reduce((sum, part) => sum + part.length, 0) / 8;
  }
}

describe('the way out of a media stream', () => {
  it('sends the agent 300 ms ahead and never more, and nothing at all when there is nothing to say', () => {
    const world = new World();
    world.run(500);
    expect(world.twilio.take()).toEqual([]);
    world.session.audio(1, speech(2000));
    world.listen(25);
    expect(world.outMs).toBe(300);
    for (let ms = 0; ms < 1500; ms += 20) {
      world.listen(20);
      expect(world.outMs).toBeLessThanOrEqual(ms + 20 + 25 + 300);
      expect(world.outMs).toBeGreaterThanOrEqual(ms + 180);
    }
    world.listen(1000);
    expect(world.outMs).toBe(2000);
    expect(Buffer.concat(world.twilio.sound).equals(speech(2000))).toBe(true);
  });

  it('is not that of another stream beside it', () => {
    const worlds = [new World(), new World()] as const;
    const said = [speech(2000), speech(2000, -20)] as const;
    worlds.forEach(({ session }, i) => {
      session.audio(1, said[i]!);
    });
    for (let ms = 0; ms < 2500; ms += 20) for (const world of worlds) world.listen(20);
    worlds.forEach(({ twilio }, i) => {
      expect(Buffer.concat(twilio.sound).equals(said[i]!)).toBe(true);
    });
  });

  it('goes on where Twilio sends nothing: never less than 100 ms are ahead', () => {
    const world = new World();
    world.session.audio(1, speech(3000));
    world.run(60);
    for (let ms = 60; ms < 2500; ms++) {
      world.run(1);
      expect(world.outMs).toBeGreaterThanOrEqual(ms - 60 + 100);
    }
    world.run(1000);
    expect(Buffer.concat(world.twilio.sound).equals(speech(3000))).toBe(true);
  });

  it('takes no turn of the worker to send, but while another leg is heard', () => {
    const world = new World();
    expect(world.pacer.streams).toBe(1);
    world.session.listen({ format: 'ulaw_8000', take: () => 0 }, false);
    expect(world.pacer.streams).toBe(2);
    world.session.listen(undefined, false);
    expect(world.pacer.streams).toBe(1);
    world.session.close();
    expect(world.pacer.streams).toBe(0);
  });

  it('looks at what goes out only when Twilio has less than 200 ms', () => {
    const world = new World();
    world.session.audio(1, speech(2000));
    world.listen(20);
    expect(world.outMs).toBe(300);
    const look = vi.spyOn(world.wire.outbound, 'send');
    world.listen(80);
    expect(look).toHaveBeenCalledTimes(0);
    world.listen(40);
    expect(look).toHaveBeenCalled();
    look.mockClear();
    // What it had is thrown away: the answer goes out with the next message.
    world.session.interrupted(1);
    world.listen(20);
    expect(look).toHaveBeenCalled();
  });

  it('holds everything that is said before the stream is there', () => {
    const world = new World(false);
    world.session.audio(1, speech(200));
    world.run(500);
    world.attach();
    world.listen(20);
    expect(Buffer.concat(world.twilio.sound).equals(speech(200))).toBe(true);
  });

  it('marks its sound every half second and at its end', () => {
    const world = new World();
    world.session.audio(1, speech(1200));
    world.run(2000);
    const marks = world.twilio.take().filter(word => word.startsWith('mark'));
    expect(marks).toEqual(['mark 1', 'mark 2', 'mark 3']);
  });

  it('has told what was heard only when the marks are back', () => {
    const world = new World();
    world.session.audio(1, speech(200));
    world.run(1000);
    expect(world.heard).toEqual([]);
    world.wire.mark('1');
    world.run(40);
    expect(world.heard).toEqual(['1: 200 heard, 0 not']);
  });

  it('throws away what is ahead when the caller speaks over it, and counts that as not heard', () => {
    const world = new World();
    world.session.audio(1, speech(5000));
    world.run(400);
    world.twilio.take();
    const sent = world.outMs;
    world.session.interrupted(1);
    expect(world.twilio.take()).toEqual(['clear']);
    world.run(500);
    expect(world.twilio.take().filter(word => word.startsWith('media'))).toEqual([]);
    const [told = ''] = world.heard;
    const [, heard, unheard] = /^1: (\d+) heard, (\d+) not$/.exec(told)?.map(Number) ?? [];
    expect((heard ?? 0) + (unheard ?? 0)).toBe(5000);
    expect(heard).toBeLessThan(sent);
    expect(Math.abs((heard ?? 0) - 390)).toBeLessThanOrEqual(25);
    expect(world.session.stats().unheardMs).toBe(unheard);
    // What was sent had no time of its own that it could miss.
    expect(world.session.stats().packetsSent).toBeGreaterThan(0);
    expect(world.session.stats()).not.toHaveProperty('lateness');
  });

  it('does not throw away a sound of its own when nothing of the agent is ahead', () => {
    const world = new World();
    world.session.prompt('ringback', 'now');
    world.run(60);
    world.session.interrupted(1);
    expect(world.twilio.take()).not.toContain('clear');
  });

  it('tells a recording what was thrown away before it was heard', () => {
    const world = new World();
    const withdrawn: number[] = [];
    world.session.tap({
      heard: () => undefined,
      sent: () => undefined,
      withdrawn: atMs => void withdrawn.push(atMs),
    });
    world.session.audio(1, speech(3000));
    world.run(300);
    expect(withdrawn).toEqual([]);
    world.session.interrupted(1);
    expect(withdrawn).toEqual([world.clock.now()]);
  });

  it('takes a sound of its own for over only when Twilio has played it, also after words of the agent', () => {
    const world = new World();
    const begun = world.clock.now();
    world.session.audio(1, speech(1000));
    world.listen(400);
    let over = Number.NaN;
    world.session.prompt('beep', 'after', () => {
      over = world.clock.now();
    });
    // Twilio plays from the first message on, without a pause, and gives marks back when it has come to them.
    const marks: { name: string; atMs: number }[] = [];
    let seen = 0;
    let sentMs = 0;
    let played = 0;
    for (let step = 0; step < 200 && Number.isNaN(over); step++) {
      for (const what of world.twilio.got.slice(seen)) {
        const [kind, value] = what.split(' ') as [string, string];
        if (kind === 'media') sentMs += Number(value);
        else if (kind === 'mark') marks.push({ name: value, atMs: begun + sentMs });
      }
      seen = world.twilio.got.length;
      while (marks[0] !== undefined && marks[0].atMs <= world.clock.now()) {
        played = marks[0].atMs - begun;
        world.wire.mark(marks.shift()!.name);
      }
      world.listen(20);
    }
    expect(over - begun).toBeGreaterThanOrEqual(world.outMs);
    expect(over - begun).toBeLessThan(world.outMs + 100);
    expect(played).toBe(world.outMs);
  });

  it('has nothing ahead that would put off a person with whom the caller is connected', () => {
    const world = new World();
    world.session.audio(1, speech(3000));
    world.listen(300);
    expect(world.outMs).toBeGreaterThan(500);
    const line = new Line('ulaw_8000', 20);
    world.twilio.take();
    world.session.listen(line, true);
    expect(world.twilio.take()).toEqual(['clear']);
    world.twilio.sound.length = 0;
    const words = speech(1000, -20);
    let most = 0;
    for (let at = 0; at < 500; at += 20) {
      line.write(words, at * 8, (at + 20) * 8);
      world.listen(20);
      most = Math.max(most, at + 20 - world.outMs);
      expect(world.outMs).toBeLessThanOrEqual(at + 40);
    }
    expect(most).toBeLessThanOrEqual(60);
    expect(Buffer.concat(world.twilio.sound).equals(words.subarray(0, world.outMs * 8))).toBe(true);
  });

  it('goes on at once with what answers the interruption', () => {
    const world = new World();
    world.session.audio(1, speech(3000));
    world.run(300);
    world.session.interrupted(1);
    world.twilio.sound.length = 0;
    world.session.audio(2, speech(300));
    world.run(25);
    expect(Buffer.concat(world.twilio.sound).equals(speech(300))).toBe(true);
  });

  it('counts an agent as through when its last mark is back', () => {
    const world = new World();
    world.session.audio(1, speech(200));
    world.session.agentGone();
    world.run(1000);
    expect(world.told.words).not.toContain('drained');
    world.wire.mark('1');
    world.run(40);
    expect(world.told.words).toContain('drained');
  });

  it('sends nothing to somebody who takes nothing, and gives up after fifteen seconds', () => {
    const world = new World();
    world.twilio.bufferedBytes = 20_000;
    world.session.audio(1, speech(1000));
    world.run(14_900);
    expect(world.outMs).toBe(0);
    expect(world.lost).toBe(0);
    world.run(300);
    expect(world.lost).toBeGreaterThan(0);
    world.twilio.bufferedBytes = 0;
    world.run(100);
    expect(world.outMs).toBeGreaterThan(0);
  });

  it('finds out by its marks that Twilio plays nothing any more', () => {
    const world = new World();
    world.session.audio(1, speech(100));
    world.run(300);
    world.wire.mark('1');
    world.session.audio(2, speech(60_000));
    world.run(30_000);
    // Two seconds of patience, and what is ahead.
    expect(world.outMs).toBeLessThan(100 + 500 + 300 + 2200);
    expect(world.lost).toBeGreaterThan(0);
  });

  it('presses keys as tones', () => {
    const world = new World();
    let through = false;
    world.session.pressKeys('5', 'events', () => {
      through = true;
    });
    world.run(400);
    expect(through).toBe(true);
    expect(world.outMs).toBeGreaterThanOrEqual(100);
  });

  it('passes on how its stream ended', () => {
    const world = new World();
    world.wire.ended('stopped');
    expect(world.ended).toEqual(['stopped']);
  });

  it('closes its stream with the leg', () => {
    const world = new World();
    world.session.close();
    expect(world.twilio.closed).toBe(true);
  });

  it('makes no object a message', () => {
    const world = new World();
    const carrier = {
      bufferedBytes: 0,
      media: () => undefined,
      mark: () => undefined,
      clear: () => undefined,
      close: () => undefined,
    };
    world.wire.attach(carrier);
    const piece = speech(20_000);
    let now = 100_000;
    let calls = 0;
    const bytes = bytesPerCall(() => {
      if (calls++ % 900 === 0) world.session.audio(calls, piece);
      now += 20;
      world.wire.outbound.send(now, now);
    });
    expect(bytes).toBeLessThan(65);
  });
});

describe('the way in of a media stream', () => {
  it('passes mu-law on as it came, message for message', () => {
    const world = new World();
    world.say(speech(200));
    expect(Buffer.concat(world.ear.chunks).equals(speech(200))).toBe(true);
    expect(world.ear.chunks).toHaveLength(10);
  });

  it('cuts messages of any length into pieces of 20 ms', () => {
    const world = new World();
    const words = speech(200);
    for (const [from, to] of [
      [0, 7],
      [7, 800],
      [800, 1600],
    ] as const)
      world.wire.media(words.subarray(from, to), -1, -1);
    expect(Buffer.concat(world.ear.chunks).equals(words)).toBe(true);
  });

  it('is heard by a recording where the stream says that it belongs', () => {
    const world = new World();
    const at: number[] = [];
    world.session.tap({
      heard: atMs => void at.push(atMs),
      sent: () => undefined,
      withdrawn: () => undefined,
    });
    const origin = world.clock.now();
    const part = speech(20);
    world.wire.media(part, 0, 1);
    // A stall: two messages that belong 20 and 40 ms on come 300 ms later, and then there is a hole.
    world.run(300);
    world.wire.media(part, 20, 2);
    world.wire.media(part, 40, 3);
    world.wire.media(part, 540, 28);
    expect(at.map(ms => ms - origin)).toEqual([0, 20, 40, 540]);
    expect(world.session.stats().packetsLost).toBe(24);
  });

  it('tells keys as entries', () => {
    const world = new World();
    for (const digit of '4711#') world.wire.digit(digit);
    expect(world.told.words).toEqual(['entry 4711']);
  });

  it('in secure mode tells keys to nobody else, and takes their tones out of the sound', () => {
    const world = new World();
    world.session.secure(true);
    const samples = new Int16Array(8 * 200);
    dtmf(8000, '7').generate(samples, 0, samples.length);
    const tone = Buffer.alloc(samples.length);
    encodeUlaw(samples, 0, samples.length, tone, 0);
    world.say(Buffer.alloc(1600, 0xff));
    world.wire.digit('7');
    world.say(tone);
    world.say(Buffer.alloc(3200, 0xff));
    world.wire.digit('#');
    expect(world.told.words).toEqual(['keyed 7']);
    const loudest = Math.max(
      ...Buffer.concat(world.ear.chunks).map(code => Math.abs(ulawToLinear[code] ?? 0) >> 8),
    );
    expect(loudest).toBeLessThan(4);
  });

  it('says when nothing has come for too long', () => {
    const world = new World();
    world.run(10_100);
    expect(world.told.words).toContain('media timeout');
  });
});

import dgram from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { Pacer } from '../../../src/media/outbound/pacer.ts';
import { PortPool } from '../../../src/media/port.ts';
import { writeHeader } from '../../../src/media/rtp/packet.ts';
import { emptyBlock, parseRtcp, RtcpView, writeReport } from '../../../src/media/rtp/rtcp.ts';
import { timestampDistance } from '../../../src/media/rtp/sequence.ts';
import { MediaSession } from '../../../src/media/session.ts';
import { Ear, plan, speech, Told, MediaWorld as World } from './media-world.ts';
import type { Sent } from './recording-socket.ts';

/** What the agent got, without the silence before and after. */
function heardOf(world: World): Buffer {
  const all = Buffer.concat(world.ear.chunks);
  const quiet = (byte: number) => byte === 0xff || byte === 0x7f;
  const first = all.findIndex(byte => !quiet(byte));
  return all.subarray(first - (first % 160), all.findLastIndex(byte => !quiet(byte)) + 1);
}

const isSilence = (packet: Sent) => packet.payload.every(byte => byte === 0xff);

describe('MediaSession', () => {
  it('names its ports before anything else is known', () => {
    expect(new World().session.local).toEqual({ rtpPort: 10_000, rtcpPort: 10_001 });
  });

  it('sends as soon as a plan is applied, one packet every packet time, for a minute without a hole', () => {
    const world = new World();
    expect(world.run(1000)).toEqual([]);
    world.session.apply(plan);
    const sent = world.run(60_000);
    expect(sent.length).toBe(3000);
    for (const [i, packet] of sent.entries()) {
      if (i === 0) continue;
      expect((packet.sequence - sent[i - 1]!.sequence) & 0xffff).toBe(1);
      expect(timestampDistance(sent[i - 1]!.timestamp, packet.timestamp)).toBe(160);
    }
  });

  it('gives the agent 20 ms every 20 ms from the moment it is ready, silence before the peer sends', () => {
    const world = new World();
    world.session.agentReady('ulaw_8000', world.ear);
    world.run(1000);
    expect(world.ear.chunks.length).toBe(50);
    expect(world.ear.chunks.every(chunk => chunk.length === 160)).toBe(true);
    expect(Buffer.concat(world.ear.chunks).every(byte => byte === 0xff || byte === 0x7f)).toBe(true);
  });

  it('carries the sound of the peer to the agent', () => {
    const world = new World().answered();
    world.talk(1000);
    const heard = Buffer.concat(world.ear.chunks);
    expect(heard.length).toBeGreaterThanOrEqual(7840);
    expect(heard.filter(byte => byte !== 0xff && byte !== 0x7f).length).toBeGreaterThan(6000);
    expect(world.session.stats()).toMatchObject({
      packetsReceived: 50,
      packetsLost: 0,
      packetsFromStrangers: 0,
    });
  });

  it.each([0, 7, 19])('passes sound on as it comes, whenever in 20 ms that is (%d ms)', phaseMs => {
    const world = new World().answered();
    world.clock.advance(phaseMs);
    for (let n = 0; n < 100; n++) {
      const before = world.ear.chunks.length;
      world.hear(speech(20));
      expect(world.ear.chunks.length).toBe(before + 1);
      world.clock.advance(20);
    }
    expect(heardOf(world)).toEqual(Buffer.concat(Array.from({ length: 100 }, () => speech(20))));
    expect(world.session.stats()).toMatchObject({ framesConcealed: 0, bufferDelayMs: 0 });
  });

  it.each([10, 30, 40, 60, 100, 200])('passes all of it on where packets are of %d ms', packetMs => {
    const world = new World().answered();
    const part = speech(packetMs);
    const count = 12_000 / packetMs;
    for (let n = 0; n < count; n++) {
      world.hear(part);
      world.clock.advance(packetMs);
    }
    expect(world.session.stats()).toMatchObject({ framesConcealed: 0, packetsLate: 0 });
    // A last piece of less than 20 ms waits for the next packet.
    const whole = Math.floor((count * packetMs) / 20) * 160;
    expect(heardOf(world).equals(Buffer.concat(Array(count).fill(part)).subarray(0, whole))).toBe(true);
  });

  it('waits for what is late as long as packets have been late before, and gives the agent all of it', () => {
    const world = new World().answered();
    const lates = Array.from({ length: 1000 }, (_, n) => (n % 7 === 0 ? 45 : n % 3 === 0 ? 20 : 0));
    const arrivals = lates.map((late, n) =>
      Math.max(...lates.slice(0, n).map((l, m) => m * 20 + l), n * 20 + late),
    );
    let sent = 0;
    for (let ms = 0; ms < 20_040; ms++) {
      while (sent < 1000 && arrivals[sent]! <= ms) {
        world.hear(speech(20));
        sent++;
      }
      world.clock.advance(1);
    }
    expect(sent).toBe(1000);
    expect(world.session.stats()).toMatchObject({ framesConcealed: 0, packetsLate: 0 });
  });

  it('has every word whole that a peer says between its pauses, though packets are a little late', () => {
    const world = new World().answered();
    for (let word = 0; word < 40; word++) {
      world.rest(700 + 3 * word);
      world.hear(speech(20));
      for (let n = 1; n < 25; n++) {
        const late = n % 2 === 1 ? 7 : 0;
        world.clock.advance(late === 0 ? 13 : 27);
        world.hear(speech(20));
      }
      world.clock.advance(20);
    }
    expect(world.session.stats()).toMatchObject({
      packetsReceived: 1040,
      framesConcealed: 0,
      packetsLate: 0,
    });
  });

  it('follows a peer whose clock is 4 % fast to the last packet, and one that sends thrice as fast at the pace of the clock', () => {
    for (const [everyMs, atLeast, atMost] of [
      [19.2, 5200, 5215],
      [20 / 3, 4900, 5600],
    ] as const) {
      const world = new World().answered();
      let sent = 0;
      for (let ms = 0; ms < 100_000; ms++) {
        while (sent * everyMs <= ms) {
          world.hear(speech(20));
          sent++;
        }
        world.clock.advance(1);
      }
      expect(world.ear.chunks.length).toBeGreaterThanOrEqual(atLeast);
      expect(world.ear.chunks.length).toBeLessThanOrEqual(atMost);
    }
  });

  it('is recorded without a hole where packets come unevenly, and at its time', () => {
    const world = new World().answered();
    const times: number[] = [];
    world.session.tap({
      heard: atMs => void times.push(atMs),
      sent: () => undefined,
      withdrawn: () => undefined,
    });
    for (let n = 0; n < 200; n++) {
      world.clock.advance(n % 4 === 0 ? 65 : 5);
      world.hear(speech(20));
    }
    const gaps = (list: readonly number[]) => list.slice(1).map((at, i) => at - list[i]!);
    // Until it is known how late packets of this call may be, silence stands for some of them.
    expect(new Set(gaps(times.slice(20)))).toEqual(new Set([20]));
    expect(Math.abs(world.clock.now() - times.at(-1)!)).toBeLessThanOrEqual(60);
  });

  it('is recorded with every word whole and at its time, however late packets are and long the pauses between', () => {
    const world = new World().answered();
    const loud: { readonly at: number; readonly before: number }[] = [];
    let end = 0;
    world.session.tap({
      heard: (at, samples, count) => {
        // The end of a word fades over one tick more.
        if (samples.subarray(count - 20, count).some(sample => sample > 2000)) loud.push({ at, before: end });
        end = at + 20;
      },
      sent: () => undefined,
      withdrawn: () => undefined,
    });
    const spoken: number[] = [];
    for (let word = 0; word < 40; word++) {
      world.rest(301 + 17 * word);
      const begin = world.clock.now();
      for (let n = 0; n < 25; n++) {
        const lateMs = n === 24 ? 15 : (7 * n + 11 * word) % 38;
        world.clock.advance(Math.max(0, begin + 20 * n + lateMs - world.clock.now()));
        world.hear(speech(20));
        spoken.push(begin + 20 * n);
      }
      world.clock.advance(Math.max(0, begin + 500 - world.clock.now()));
    }
    const off = loud.map(({ at }, i) => at - spoken[i]!);
    // The first word teaches how late packets are, and by when the last one was expected.
    const known = off.slice(25);
    expect(loud.length).toBe(spoken.length);
    expect(Math.min(...known)).toBeGreaterThanOrEqual(-5);
    expect(Math.max(...known)).toBeLessThanOrEqual(20);
    expect(Math.max(...loud.slice(25).map(({ at, before }) => before - at))).toBeLessThanOrEqual(0);
  });

  it('gives another leg sound at an even pace, however unevenly it comes', () => {
    const times: number[] = [];
    const world = new World().answered();
    const sink = Object.assign(new Ear(), { write: () => void times.push(world.clock.now()) });
    const nothing = () => undefined;
    const uneven = (count: number) => {
      for (let n = 0; n < count; n++) {
        world.clock.advance(n % 4 === 0 ? 35 : 15);
        world.hear(speech(20));
      }
    };
    const gapsOf = (list: readonly number[]) => new Set(list.slice(1).map((at, i) => at - list[i]!));
    world.session.link({ sink, digit: nothing, planned: nothing, gone: nothing });
    uneven(400);
    expect(gapsOf(times)).toEqual(new Set([20]));
    world.session.link(undefined);
    world.session.agentReady('ulaw_8000', sink);
    times.length = 0;
    uneven(400);
    expect(gapsOf(times).size).toBeGreaterThan(1);
  });

  it('makes nothing up when the way becomes longer and shorter again, but for the moment of the change', () => {
    const world = new World().answered();
    const send = (count: number) => {
      for (let n = 0; n < count; n++) {
        world.hear(speech(20));
        world.clock.advance(20);
      }
    };
    send(250);
    const { framesConcealed } = world.session.stats();
    expect(framesConcealed).toBe(0);
    world.clock.advance(80);
    send(500);
    const after = world.session.stats().framesConcealed;
    expect(after).toBeGreaterThan(0);
    expect(after).toBeLessThanOrEqual(10);
    for (let n = 0; n < 4; n++) world.hear(speech(20));
    send(500);
    expect(world.session.stats()).toMatchObject({ framesConcealed: after });
  });

  it('holds the greeting until the call is open, and plays it from its first sample', () => {
    const world = new World();
    world.session.agentReady('ulaw_8000', world.ear);
    const greeting = speech(300);
    world.session.audio(1, greeting);
    world.session.apply(plan);
    expect(world.run(500).every(isSilence)).toBe(true);
    world.session.open();
    const heard = Buffer.concat(world.run(300).map(packet => packet.payload));
    expect(heard.equals(greeting)).toBe(true);
  });

  it('is silent within one packet when the agent reports an interruption', () => {
    const world = new World().answered();
    world.session.audio(3, speech(5000));
    expect(world.run(200).some(isSilence)).toBe(false);
    world.session.interrupted(3);
    world.session.audio(3, speech(1000));
    const [first, ...rest] = world.run(400);
    expect(first!.payload.subarray(40).every(byte => byte === 0xff)).toBe(true);
    expect(rest.every(isSilence)).toBe(true);
    expect(world.session.stats().interruptions).toBe(1);
    expect(world.meters.bargeIn.max).toBeLessThanOrEqual(25);
  });

  it('stops the agent at the first digit, drops what it goes on saying, and plays its answer to the entry', () => {
    const world = new World().answered();
    world.session.audio(3, speech(5000));
    world.run(200);
    world.press(1);
    expect(world.run(40).slice(1).every(isSilence)).toBe(true);
    world.session.audio(3, speech(500));
    world.session.audio(4, speech(500));
    expect(world.run(100).every(isSilence)).toBe(true);
    world.press(2);
    world.press(11);
    expect(world.told.words).toEqual(['entry 12']);
    world.session.audio(4, speech(500));
    expect(world.run(100).every(isSilence)).toBe(true);
    const answer = speech(100, -3);
    world.session.audio(5, answer);
    expect(Buffer.concat(world.run(100).map(packet => packet.payload)).equals(answer)).toBe(true);
    expect(world.session.stats()).toMatchObject({ digits: 3, interruptions: 1 });
  });

  it('ends an entry after two seconds without a digit, without a timer of its own', () => {
    const world = new World().answered();
    world.press(4);
    world.run(1000);
    world.press(2);
    world.run(1980);
    expect(world.told.words).toEqual([]);
    world.run(40);
    expect(world.told.words).toEqual(['entry 42']);
    expect(world.clock.pending).toBe(1);
  });

  it('lets the agent speak on when the # of an entry comes after the two seconds', () => {
    const world = new World().answered();
    world.press(4);
    world.run(2100);
    world.session.audio(1, speech(500));
    world.run(100);
    world.press(11);
    expect(world.run(300).some(isSilence)).toBe(false);
    expect(world.told.words).toEqual(['entry 4']);
    expect(world.session.stats().interruptions).toBe(0);
  });

  it('takes digits of SIP INFO, but not those of a peer that sends them both ways', () => {
    const world = new World().answered();
    for (const digit of '90#') world.session.digit(digit);
    expect(world.told.words).toEqual(['entry 90']);
    world.press(7);
    world.session.digit('7');
    world.run(2100);
    expect(world.told.words).toEqual(['entry 90', 'entry 7']);
  });

  it('reports a media timeout once per silence, counted from the opening and from the last packet', () => {
    const world = new World();
    world.session.apply(plan);
    world.run(20_000);
    world.session.open();
    world.run(4980);
    expect(world.told.words).toEqual([]);
    world.run(10_000);
    expect(world.told.words).toEqual(['media timeout']);
    world.talk(1000);
    world.run(4800);
    expect(world.told.words.length).toBe(1);
    world.run(1000);
    expect(world.told.words).toEqual(['media timeout', 'media timeout']);
  });

  it('expects no sound during a hold, and counts anew after it', () => {
    const world = new World().answered();
    world.run(4000);
    world.session.apply({ ...plan, direction: 'recvonly' });
    expect(world.run(60_000)).toEqual([]);
    world.session.apply(plan);
    world.run(4900);
    expect(world.told.words).toEqual([]);
    world.run(200);
    expect(world.told.words).toEqual(['media timeout']);
  });

  it('keeps the music of a hold from the agent, which gets silence, and hears the caller when he is back', () => {
    const world = new World().answered();
    world.talk(1000);
    world.session.apply({ ...plan, direction: 'recvonly' });
    world.talk(200);
    world.ear.chunks.length = 0;
    world.talk(30_000);
    const onHold = Buffer.concat(world.ear.chunks);
    expect(onHold.length).toBeGreaterThan(8 * 29_900);
    expect(onHold.every(byte => byte === 0xff || byte === 0x7f)).toBe(true);
    world.session.apply(plan);
    world.ear.chunks.length = 0;
    world.talk(1000);
    expect(heardOf(world)).toEqual(Buffer.concat(Array.from({ length: 50 }, () => speech(20))));
  });

  it('goes on with the same stream after a hold and under a new packet time', () => {
    const world = new World().answered();
    const before = world.run(1000);
    world.session.apply({ ...plan, direction: 'inactive' });
    world.run(3000);
    world.session.apply({ ...plan, packetTime: 40 });
    const after = world.run(1000);
    expect(after[0]!.ssrc).toBe(before[0]!.ssrc);
    expect(after[0]!.payload.length).toBe(320);
    expect(after.length).toBe(25);
    expect((after[0]!.sequence - before.at(-1)!.sequence) & 0xffff).toBe(1);
    const gap = timestampDistance(before.at(-1)!.timestamp, after[0]!.timestamp) / 8;
    expect(gap).toBeGreaterThan(3000);
    expect(gap).toBeLessThanOrEqual(3060);
    expect(world.pacer.streams).toBe(2);
  });

  it('sends what is due before it has read all that came, and each packet once', () => {
    const world = new World().answered();
    world.talk(1000);
    const sent = () => world.rtp.rtp.length;
    const before = sent();
    world.clock.stall(20);
    for (let i = 0; i < 3; i++) world.hear(speech(20));
    expect(sent()).toBe(before + 1);
    expect(world.run(0).length).toBe(0);
    world.run(200);
    expect(sent()).toBe(before + 11);
  });

  it('lets the last sentence finish before it says that all was played', () => {
    const world = new World().answered();
    world.session.audio(1, speech(1000));
    world.session.agentGone();
    world.run(1000);
    expect(world.told.words).toEqual([]);
    world.run(200);
    expect(world.told.words).toEqual(['drained']);
    world.run(20_000);
    expect(world.told.words.filter(word => word === 'drained').length).toBe(1);
    expect(world.session.close().unheardMs).toBe(0);
  });

  it('says so at the cap when there is more to play than may be waited for', () => {
    const world = new World().answered();
    world.session.audio(1, speech(20_000));
    world.session.agentGone();
    world.run(7960);
    expect(world.told.words).not.toContain('drained');
    world.run(60);
    expect(world.told.words).toContain('drained');
    expect(world.session.close().unheardMs).toBeGreaterThan(11_000);
  });

  it('says so at the next tick when nothing is left, never from inside the call', () => {
    const world = new World().answered();
    world.session.agentGone();
    expect(world.told.words).toEqual([]);
    world.run(20);
    expect(world.told.words).toEqual(['drained']);
  });

  it('takes a second conversation after one that failed, with ringback in between', () => {
    const world = new World().answered();
    world.session.audio(9, speech(40));
    world.run(60);
    world.session.tone('ringback');
    expect(world.run(100).some(isSilence)).toBe(false);
    const ear = new Ear('pcm_16000');
    world.session.agentReady('ulaw_8000', ear);
    world.session.audio(1, speech(100));
    const heard = Buffer.concat(world.run(100).map(packet => packet.payload));
    expect(heard.equals(speech(100))).toBe(true);
    expect(ear.chunks[0]!.length).toBe(640);
  });

  it('sends RTCP reports of what it sent to the RTCP port, and a BYE at the end', () => {
    const world = new World().answered();
    world.talk(30_000);
    world.session.close();
    const views = world.rtcp.datagrams.map(packet => {
      const view = new RtcpView();
      expect(parseRtcp(packet, view, 0x1234)).toBe(true);
      return { ...view };
    });
    expect(views.length).toBeGreaterThanOrEqual(5);
    expect(views.length).toBeLessThanOrEqual(12);
    expect(views.every(view => view.senderReport && view.ssrc === world.rtp.rtp[0]!.ssrc)).toBe(true);
    expect(views.map(view => view.bye)).toEqual([...views.slice(1).map(() => false), true]);
    expect(views.at(-1)).toMatchObject({ senderPackets: 1500, senderOctets: 240_000, hasBlock: true });
  });

  it('goes on after a BYE in the RTCP of the peer: the signalling ends calls', () => {
    const world = new World().answered();
    world.talk(200);
    const packet = Buffer.alloc(160);
    const length = writeReport(packet, { ssrc: 0x1234, cname: 'peer', bye: true, block: emptyBlock() });
    const report = packet.subarray(0, length);
    expect(parseRtcp(report, new RtcpView(), 0)).toBe(true);
    world.rtcp.emit('message', report, { address: '192.0.2.9', port: 4001 });
    const chunks = world.ear.chunks.length;
    world.talk(1000);
    expect(world.session.stats().packetsReceived).toBe(60);
    expect(world.ear.chunks.length - chunks).toBe(50);
    expect(world.told.words).toEqual([]);
    expect(world.closes).toBe(0);
  });

  it('leaves nothing behind when it is closed, and says nothing more', () => {
    const world = new World().answered();
    world.session.audio(1, speech(500));
    world.press(5);
    world.run(100);
    const stats = world.session.close();
    expect(world.session.close()).toEqual(stats);
    expect(world.closes).toBe(1);
    expect(world.pacer.streams).toBe(0);
    expect(world.clock.pending).toBe(0);
    expect(world.rtp.listenerCount('message') + world.rtcp.listenerCount('message')).toBe(0);
    world.session.audio(2, speech(20));
    world.session.interrupted(2);
    world.session.digit('1');
    world.session.apply(plan);
    world.session.agentReady('ulaw_8000', world.ear);
    expect(world.run(10_000)).toEqual([]);
    expect(world.told.words).toEqual([]);
    expect(world.pacer.streams).toBe(0);
  });

  it.each(['entry', 'mediaTimeout'] as const)(
    'may be closed from inside %s, and says nothing after that',
    told => {
      const world = new World().answered();
      world.told[told] = () => void world.session.close();
      if (told === 'entry') world.press(5);
      else world.session.audio(1, speech(60_000));
      world.run(1990);
      if (told === 'mediaTimeout') world.session.agentGone();
      world.run(20_000);
      expect(world.closes).toBe(1);
      expect(world.told.errors).toEqual([]);
      expect(world.told.words).toEqual([]);
      expect(world.pacer.streams).toBe(0);
    },
  );

  it('says one thing only when it is closed at a tick that would have had two to say', () => {
    const world = new World().answered();
    world.told.entry = () => {
      world.told.words.push('entry');
      world.session.close();
    };
    world.run(3000);
    world.session.digit('5');
    world.run(5000);
    expect(world.told.words).toEqual(['entry']);
  });

  it('gives the numbers of the call', () => {
    const world = new World().answered();
    world.talk(100);
    world.session.audio(1, speech(500));
    world.run(100);
    const stats = world.session.close();
    expect(stats).toMatchObject({
      codec: 'PCMU',
      packetsReceived: 5,
      packetsSent: 10,
      interruptions: 0,
      digits: 0,
    });
    expect(stats.unheardMs).toBe(400);
    expect(stats.firstAudioMs).toBeLessThanOrEqual(20);
    expect(stats.lateness?.max).toBeLessThanOrEqual(1);
    expect(world.meters.packetsSent).toBe(10);
    expect(world.meters.packetsReceived).toBe(5);
  });

  it('counts packets of strangers in the totals, and does not let the agent hear them', () => {
    const world = new World().answered();
    world.talk(200);
    const stranger = Buffer.alloc(172, 0x20);
    writeHeader(stranger, 0, false, 1, 1, 0x666);
    world.rtp.emit('message', stranger, { address: '198.51.100.66', port: 9 });
    world.run(1000);
    expect(world.session.stats().packetsFromStrangers).toBe(1);
    expect(world.meters.packetsFromStrangers).toBe(1);
  });

  it('ends itself, not the worker, when an invariant breaks, and says so once', () => {
    const world = new World().answered();
    world.session.agentReady('ulaw_8000', {
      format: 'ulaw_8000',
      write: () => {
        throw new Error('invariant');
      },
    });
    world.run(100);
    expect(world.told.errors).toEqual([new Error('invariant')]);
    expect(world.pacer.streams).toBe(0);
    expect(world.closes).toBe(1);
    expect(world.session.close().codec).toBe('PCMU');
  });

  it('prints both ways in one log line when a plan is applied', () => {
    const world = new World().answered();
    expect(world.lines.filter(line => line.startsWith('media applied')).length).toBe(1);
    expect(world.lines.join()).toContain(
      'agent(ulaw_8000) -> playout -> pcmu(pass) -> rtp(pt 0, 20ms, sendrecv)',
    );
    expect(String(world.session)).toContain('in: ');
  });
});

describe('MediaSession on real sockets', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  it('carries sound both ways between a telephone and an agent on loopback', async () => {
    const phone = dgram.createSocket('udp4');
    closing.push(() => phone.close());
    await new Promise<void>(resolve => phone.bind(0, '127.0.0.1', resolve));
    const pool = new PortPool({ first: 24_000, count: 2000, restMs: 0 }, systemClock);
    const pair = await pool.open(4, '127.0.0.1');
    if (!pair.ok) throw pair.failure;
    const ear = new Ear();
    const session = new MediaSession({
      pair: pair.value,
      pacer: new Pacer(systemClock),
      clock: systemClock,
      log: silentLogger,
      listener: new Told(),
      mediaTimeoutMs: 5000,
      drainCapMs: 1000,
    });
    closing.push(() => void session.close());
    session.agentReady('ulaw_8000', ear);
    const { port } = phone.address();
    session.apply({ ...plan, target: { address: '127.0.0.1', rtpPort: port, rtcpPort: port } });
    session.open();
    const words = speech(400);
    session.audio(1, words);
    let sequence = 0;
    const heard: Buffer[] = [];
    // Every packet that arrives is answered with one of ours: the peer speaks at the session's own pace.
    await new Promise<void>(resolve => {
      phone.on('message', packet => {
        heard.push(packet.subarray(12));
        const answer = Buffer.alloc(172, 0x30);
        writeHeader(answer, 0, false, sequence, sequence * 160, 0x77);
        sequence++;
        phone.send(answer, pair.value.rtpPort, '127.0.0.1');
        if (heard.length === 40) resolve();
      });
    });
    const stats = session.close();
    expect(Buffer.concat(heard).subarray(0, words.length).equals(words)).toBe(true);
    expect(stats.packetsReceived).toBeGreaterThan(30);
    expect(Buffer.concat(ear.chunks).includes(Buffer.alloc(160, 0x30))).toBe(true);
    expect(pool.inUse).toBe(0);
  });
});

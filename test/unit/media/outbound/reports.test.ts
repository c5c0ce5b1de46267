import { describe, expect, it } from 'vitest';
import { Reports } from '../../../../src/media/outbound/reports.ts';
import { emptyBlock, parseRtcp, type ReportBlock, RtcpView } from '../../../../src/media/rtp/rtcp.ts';
import type { MediaTarget } from '../../../../src/sdp/plan.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { RecordingSocket, seeded } from '../recording-socket.ts';

function reporting(random: () => number = seeded(5)) {
  const clock = new ManualClock();
  const socket = new RecordingSocket();
  const stream = { ssrc: 77, packets: 0, packetsBefore: 0, octets: 0, timestampAt: (ms: number) => ms * 8 };
  const source: { target: MediaTarget | undefined; report(): ReportBlock | undefined } = {
    target: { address: '192.0.2.9', rtpPort: 4000, rtcpPort: 4001 },
    report: () => ({ ...emptyBlock(), ssrc: 99, cumulativeLost: 3 }),
  };
  const reports = new Reports(socket.asSocket, clock, random, stream, source);
  const run = (ms: number) => {
    for (let at = 0; at < ms; at += 20) {
      clock.advance(20);
      reports.tick(clock.now());
    }
  };
  const parsed = (): RtcpView[] =>
    socket.datagrams.map(packet => {
      const view = new RtcpView();
      if (!parseRtcp(packet, view, 99)) throw new Error('not RTCP');
      return view;
    });
  return { clock, socket, stream, source, reports, run, parsed };
}

describe('Reports', () => {
  it('go out every five seconds on average, at intervals that vary between 2.5 and 7.5', () => {
    const { clock, socket, reports } = reporting();
    const times: number[] = [];
    for (let at = 0; at < 600_000; at += 20) {
      clock.advance(20);
      const before = socket.datagrams.length;
      reports.tick(clock.now());
      if (socket.datagrams.length > before) times.push(clock.now());
    }
    expect(times.length).toBeGreaterThan(105);
    expect(times.length).toBeLessThan(135);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2500);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(7520);
    expect(new Set(gaps).size).toBeGreaterThan(20);
  });

  it('say what was sent, when, and how the peer is received', () => {
    const { clock, stream, run, parsed } = reporting(() => 0.5);
    stream.packets = 125;
    stream.octets = 20_000;
    run(2500);
    const [view] = parsed();
    expect(view).toMatchObject({ senderReport: true, ssrc: 77, senderPackets: 125, senderOctets: 20_000 });
    expect(view!.senderTimestamp).toBe(clock.now() * 8);
    // Middle of the NTP time: low 16 bits of the seconds since 1900, high 16 of the fraction.
    const seconds = clock.wall() / 1000 + 2_208_988_800;
    expect(view!.ntpMiddle).toBe(Math.floor((seconds * 65_536) % 2 ** 32));
    expect(view!.block).toMatchObject({ ssrc: 99, cumulativeLost: 3 });
  });

  it('are receiver reports once nothing was sent since the report before last', () => {
    const { stream, run, parsed } = reporting(() => 0.5);
    stream.packets = 10;
    run(2500);
    run(5000);
    run(5000);
    expect(parsed().map(view => view.senderReport)).toEqual([true, true, false]);
  });

  it('count what was sent under another SSRC no more, and are of a sender once there is more', () => {
    const { stream, run, parsed } = reporting(() => 0.5);
    stream.packets = 125;
    stream.packetsBefore = 125;
    run(2500);
    stream.packets = 135;
    run(5000);
    expect(parsed().map(view => view.senderReport)).toEqual([false, true]);
    expect(parsed().at(-1)?.senderPackets).toBe(10);
  });

  it('go to the RTCP port of the peer, and nowhere while there is none', () => {
    const { socket, source, run } = reporting(() => 0.5);
    const sent: unknown[] = [];
    const send = socket.send.bind(socket);
    socket.send = (packet, ...rest) => {
      sent.push(rest.slice(2));
      send(packet, ...rest);
    };
    run(2500);
    source.target = undefined;
    run(5000);
    expect(sent).toEqual([[4001, '192.0.2.9']]);
  });

  it.each(['0.0.0.0', '::', '0:0::0'])(
    'go nowhere, BYE included, while the peer holds with c=%s',
    address => {
      const { clock, socket, source, stream, reports, run } = reporting(() => 0.5);
      stream.packets = 1;
      source.target = { address, rtpPort: 4000, rtcpPort: 4001 };
      run(10_000);
      reports.bye(clock.now());
      expect(socket.datagrams).toEqual([]);
    },
  );

  it('end with a BYE, unless nothing was ever sent', () => {
    const { clock, reports, stream, parsed } = reporting();
    reports.bye(clock.now());
    expect(parsed()).toEqual([]);
    stream.packets = 1;
    reports.bye(clock.now());
    expect(parsed().map(view => view.bye)).toEqual([true]);
  });
});

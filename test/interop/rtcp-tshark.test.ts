import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Inbound } from '../../src/media/inbound/receiver.ts';
import { writeHeader } from '../../src/media/rtp/packet.ts';
import { rtcpMaxBytes, writeReport } from '../../src/media/rtp/rtcp.ts';
import type { MediaPlan } from '../../src/sdp/plan.ts';
import { Impairment } from '../support/impairment.ts';
import { requirePrograms } from '../support/programs.ts';

const available = requirePrograms('rtcp-tshark', ['tshark']);

const plan: MediaPlan = {
  codec: 'PCMU',
  sendPayloadType: 0,
  receivePayloadTypes: { 0: 'PCMU' },
  packetTime: 20,
  direction: 'sendrecv',
  target: { address: '192.0.2.1', rtpPort: 4000, rtcpPort: 4001 },
};

/** A capture file (libpcap format, link type 1) with UDP datagrams from 192.0.2.2:5001 to 192.0.2.1:4001, 5 s apart. */
function capture(datagrams: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(24);
  for (const [at, value] of [
    [0, 0xa1b2c3d4],
    [8, 0],
    [12, 0],
    [16, 65_535],
    [20, 1],
  ] as const)
    head.writeUInt32LE(value, at);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  return Buffer.concat([head, ...datagrams.flatMap((datagram, i) => frame(datagram, 5 * i))]);
}

function frame(datagram: Buffer, second: number): Buffer[] {
  const ip = Buffer.alloc(42);
  ip.writeUInt16BE(0x0800, 12);
  ip[14] = 0x45;
  ip.writeUInt16BE(28 + datagram.length, 16);
  ip[22] = 64;
  ip[23] = 17;
  ip.set([192, 0, 2, 2, 192, 0, 2, 1], 26);
  ip.writeUInt16BE(5001, 34);
  ip.writeUInt16BE(4001, 36);
  ip.writeUInt16BE(8 + datagram.length, 38);
  const record = Buffer.alloc(16);
  record.writeUInt32LE(second, 0);
  record.writeUInt32LE(ip.length + datagram.length, 8);
  record.writeUInt32LE(ip.length + datagram.length, 12);
  return [record, ip, datagram];
}

const fields = [
  'rtcp.pt',
  'rtcp.senderssrc',
  'rtcp.timestamp.rtp',
  'rtcp.sender.packetcount',
  'rtcp.sender.octetcount',
  'rtcp.ssrc.identifier',
  'rtcp.ssrc.fraction',
  'rtcp.ssrc.cum_nr',
  'rtcp.ssrc.high_seq',
  'rtcp.ssrc.high_cycles',
  'rtcp.ssrc.jitter',
  'rtcp.ssrc.lsr',
  'rtcp.ssrc.dlsr',
  'rtcp.sdes.text',
  '_ws.malformed',
] as const;

type Row = Readonly<Record<(typeof fields)[number], string>>;

function tshark(datagrams: readonly Buffer[]): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'rtcp-'));
  try {
    const file = join(folder, 'rtcp.pcap');
    writeFileSync(file, capture(datagrams));
    const wanted = fields.flatMap(field => ['-e', field]);
    const args = ['-r', file, '-d', 'udp.port==4001,rtcp', '-T', 'fields', '-E', 'separator=|', ...wanted];
    const text = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text
      .trimEnd()
      .split('\n')
      .map(line => {
        const values = line.split('|');
        return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? ''])) as Row;
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Reported {
  readonly datagram: Buffer;
  readonly lost: number;
  readonly of: number;
  readonly highest: number;
}

/**
 * Receives 500 packets over a network with the given loss and jitter; the report on them with a sender report's LSR,
 * as the session would send it, and how many packets between the first and the last that came were lost.
 */
function report(loss: number, jitterMs: number): Reported {
  const inbound = new Inbound({ onDigit: () => undefined });
  inbound.configure(plan);
  const network = new Impairment<Buffer>({ seed: 8, loss, jitterMs, delayMs: 100 });
  const first = 65_400;
  let received = 0;
  let newest = 0;
  let base = -1;
  const receive = (packet: Buffer, atMs: number) => {
    received++;
    const n = (packet.readUInt16BE(2) - first) & 0xffff;
    if (base < 0) base = n;
    newest = Math.max(newest, n);
    inbound.rtp(packet, '192.0.2.1', 4000, atMs);
  };
  for (let n = 0; n < 500; n++) {
    const packet = Buffer.alloc(172, 0xff);
    writeHeader(packet, 0, false, (first + n) & 0xffff, n * 160, 0x11112222);
    network.send(packet, n * 20);
    network.deliver(n * 20, receive);
  }
  network.deliver(20_000, receive);
  const bytes = Buffer.alloc(rtcpMaxBytes);
  const told = { wallMs: 1_700_000_000_250, timestamp: 1, packets: 1, octets: 1 };
  inbound.rtcp(
    bytes.subarray(0, writeReport(bytes, { ssrc: 0x11112222, cname: 'peer', sender: told })),
    '192.0.2.1',
    4001,
    20_000,
  );
  const sender = { wallMs: 1_700_000_010_000, timestamp: 0x89abcdef, packets: 499, octets: 79_840 };
  const length = writeReport(bytes, {
    ssrc: 0x33334444,
    cname: 'AbCdEfGh',
    sender,
    block: inbound.report(20_500),
  });
  const of = newest - base + 1;
  return {
    datagram: Buffer.from(bytes.subarray(0, length)),
    lost: of - received,
    of,
    highest: (first + newest) & 0xffff,
  };
}

describe.skipIf(!available)('tshark reads our RTCP', () => {
  it('and finds the loss and the jitter that were injected', () => {
    const cases = [report(0, 0), report(0.05, 0), report(0.2, 0), report(0.05, 40)];
    const rows = tshark(cases.map(each => each.datagram));
    expect(rows).toHaveLength(cases.length);
    for (const [i, row] of rows.entries()) {
      const { lost, of, highest } = cases[i]!;
      expect(row['_ws.malformed']).toBe('');
      expect(row['rtcp.pt']).toBe('200,202');
      expect(Number(row['rtcp.ssrc.identifier'].split(',')[0])).toBe(0x11112222);
      expect(Number(row['rtcp.ssrc.cum_nr'])).toBe(lost);
      expect(Number(row['rtcp.ssrc.fraction'])).toBe(Math.floor((lost * 256) / of));
      expect(Number(row['rtcp.ssrc.high_cycles'])).toBe(1);
      expect(Number(row['rtcp.ssrc.high_seq'])).toBe(highest);
    }
    expect(cases[1]!.lost).toBeGreaterThan(10);
    for (const still of [0, 1, 2]) expect(Number(rows[still]!['rtcp.ssrc.jitter'])).toBeLessThanOrEqual(1);
    // Two delays, each uniform over 80 ms, differ by 80/3 ms on average; the estimate wanders around that.
    const jitterMs = Number(rows[3]!['rtcp.ssrc.jitter']) / 8;
    expect(jitterMs).toBeGreaterThan(80 / 3 - 10);
    expect(jitterMs).toBeLessThan(80 / 3 + 10);
  });

  it('and the sender information, LSR, DLSR and CNAME as they were written', () => {
    const row = tshark([report(0, 0).datagram])[0]!;
    expect(Number(row['rtcp.senderssrc'].split(',')[0])).toBe(0x33334444);
    expect(Number(row['rtcp.timestamp.rtp'])).toBe(0x89abcdef);
    expect(Number(row['rtcp.sender.packetcount'])).toBe(499);
    expect(Number(row['rtcp.sender.octetcount'])).toBe(79_840);
    expect(Number(row['rtcp.ssrc.lsr'])).toBe(
      (((1_700_000_000 + 2_208_988_800) % 65_536) * 65_536 + 0x4000) >>> 0,
    );
    expect(Number(row['rtcp.ssrc.dlsr'])).toBe(32_768);
    expect(row['rtcp.sdes.text'].split(',')[0]).toBe('AbCdEfGh');
  });
});

import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompiledTelephones, telephoneProgram } from '../../../../src/sim/load/compiled-telephones.ts';
import { monotonic } from '../../../../src/sim/load/monotonic.ts';
import { callerPayloads, isListenedTo, profiles } from '../../../../src/sim/load/profile.ts';
import type { TelephoneSet } from '../../../../src/sim/load/telephone-set.ts';
import { Telephones } from '../../../../src/sim/load/telephones.ts';
import { requirePrograms } from '../../../support/programs.ts';

const available = requirePrograms('the compiled telephones', ['cc']);
/** Of either profile: with G.722 only some calls are listened to, and by a decoder that remembers. */
let profile = profiles.pcmu;
let payloads = callerPayloads(profile);

const lost: Error[] = [];
const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.close()));
  lost.length = 0;
});

/** For address sanitizers and the like: `TRUNKBRIDGE_CFLAGS=-fsanitize=address,undefined`. */
const flags = process.env['TRUNKBRIDGE_CFLAGS']?.split(' ') ?? [];

function programPath(): string {
  const program = telephoneProgram(flags);
  if ('why' in program) throw new Error(program.why);
  return program.path;
}

async function kindOf(kind: 'compiled' | 'node', streams: number): Promise<TelephoneSet> {
  const onLost = (error: Error) => lost.push(error);
  const set =
    kind === 'node'
      ? await Telephones.open(profile, streams, 'a test')
      : await CompiledTelephones.open({ path: programPath(), profile, streams, onLost });
  open.push(set);
  return set;
}

/** The far end of one stream: keeps what came, and answers if it is told to. */
class Peer {
  readonly socket = dgram.createSocket('udp4');
  readonly got: Buffer[] = [];
  readonly gotAt: number[] = [];
  from = 0;
  answering = false;
  /** What is sent for the packet of this number since answering began. */
  answer: (at: number) => readonly Buffer[] = () => [];
  answered = 0;
  answeredAt: number[] = [];
  #waiting: (() => void)[] = [];

  static async open(): Promise<Peer> {
    const peer = new Peer();
    open.push(peer.socket);
    await new Promise<void>(resolve => peer.socket.bind(0, '127.0.0.1', resolve));
    peer.socket.on('message', (packet, from) => peer.#take(packet, from.port));
    return peer;
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** Settles when so many more packets have come. */
  async more(count: number): Promise<void> {
    const wanted = this.got.length + count;
    while (this.got.length < wanted) await new Promise<void>(resolve => this.#waiting.push(resolve));
  }

  #take(packet: Buffer, from: number): void {
    this.got.push(packet);
    this.gotAt.push(monotonic());
    this.from = from;
    if (this.answering) {
      this.answeredAt.push(monotonic());
      for (const each of this.answer(this.answered)) this.socket.send(each, from, '127.0.0.1');
      this.answered++;
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Packet number `at` of a far end, near the end of its sequence numbers at first. */
function packet(at: number, payload: Buffer, type = profile.payloadType): Buffer {
  const head = Buffer.alloc(12);
  head[0] = 0x80;
  head[1] = type;
  head.writeUInt16BE((65_520 + at) & 0xffff, 2);
  head.writeUInt32BE((0xffff_f000 + at * 160) >>> 0, 4);
  return Buffer.concat([head, payload]);
}

const lastAnswer = 40;

/** 40 packets: two are missing, one comes twice, one is none of this codec, five are loud. */
function answers(at: number): readonly Buffer[] {
  if (at >= lastAnswer || at === 7 || at === 20) return [];
  const sound = at >= 10 && at < 15 ? payloads.word : payloads.hum;
  const one = packet(at, sound);
  if (at === 25) return [one, one];
  if (at === 26) return [one, packet(at, sound, 101), Buffer.alloc(3)];
  return [one];
}

/** Opens the window with some streams, and settles when it is known to be open: commands are carried out in order. */
async function begin(set: TelephoneSet, peers: ReadonlyMap<number, Peer>): Promise<void> {
  for (const [call, peer] of peers) set.add(call, peer.port);
  set.mark();
  const last = await Peer.open();
  set.add(10_001, last.port);
  await last.more(1);
}

async function peersOf(calls: readonly number[]): Promise<Map<number, Peer>> {
  const peers = new Map<number, Peer>();
  for (const call of calls) peers.set(call, await Peer.open());
  return peers;
}

const kinds = [...(available ? (['compiled'] as const) : []), 'node' as const];
const each = kinds.flatMap(kind => (['pcmu', 'pcma', 'g722'] as const).map(name => ({ kind, name })));

describe.each(each)('telephones of $name, $kind', ({ kind, name }) => {
  beforeEach(() => {
    profile = profiles[name];
    payloads = callerPayloads(profile);
  });

  it('count the same of the same streams', async () => {
    const set = await kindOf(kind, 5);
    const peers = await peersOf([0, 1, 22, 250]);
    const silent = await Peer.open();
    const all = [...peers.values(), silent];
    const sum = () => all.reduce((count, peer) => count + peer.got.length, 0);
    const begun = monotonic();
    await begin(set, new Map([...peers, [3, silent]]));
    const before = sum();
    for (const peer of peers.values()) {
      peer.answer = answers;
      peer.answering = true;
    }
    // Whoever has sent two more has read what came before.
    await Promise.all(all.map(peer => peer.more(lastAnswer + 3)));
    const atEnd = sum();
    const report = await set.report();
    const ended = monotonic();
    await Promise.all(all.map(peer => peer.more(2)));

    const each = lastAnswer - 2;
    expect(report).toMatchObject({
      packetsReceived: 4 * each,
      lost: 4 * 2,
      disordered: 4,
      dead: 1,
      unopened: 0,
      drift: undefined,
    });
    expect(report.lateness.count).toBe(4 * each);
    expect(report.interval.count).toBe(4 * (each - 1));
    expect(report.own.count).toBeGreaterThan(lastAnswer);
    expect(report.packetsSent).toBeGreaterThanOrEqual(atEnd - before);
    // The stream by which the window was known to be open has sent as well.
    expect(report.packetsSent).toBeLessThanOrEqual((sum() * 6) / 5);
    expect(report.pace.least).toBe(0);
    expect(report.seconds).toBeLessThan((ended - begun) / 1000);
    expect(report.pace.most).toBeCloseTo((each * 20) / 1000 / report.seconds, 3);

    const { speech, silence: quiet, word: words } = report.marks;
    const calls = [0, 1, 22, 250].filter(call => isListenedTo(profile, call));
    expect(speech.map(({ call }) => call).toSorted((a, b) => a - b)).toEqual(calls);
    expect(quiet.map(({ call }) => call).toSorted((a, b) => a - b)).toEqual(calls);
    for (const call of calls) {
      const peer = peers.get(call)!;
      const loudAt = speech.find(mark => mark.call === call)?.at ?? 0;
      const quietAt = quiet.find(mark => mark.call === call)?.at ?? 0;
      expect(loudAt).toBeGreaterThan(peer.answeredAt[10]!);
      expect(quietAt).toBeGreaterThan(peer.answeredAt[15]!);
      expect(quietAt).toBeLessThan(ended);
    }
    // Words of these begin with their first packet; the others have some time to go.
    expect(words.map(({ call }) => call).toSorted((a, b) => a - b)).toEqual([0, 250]);
    for (const { call, at } of words) {
      expect(at).toBeGreaterThan(begun);
      expect(at).toBeLessThan(peers.get(call)!.gotAt[0]!);
    }
    expect(lost).toEqual([]);
  });

  it('send the same streams', async () => {
    const set = await kindOf(kind, 40);
    const peers = await peersOf([0, 7, 13, 39]);
    await begin(set, peers);
    await Promise.all([...peers.values()].map(peer => peer.more(6)));
    for (const [call, { got, from }] of peers) {
      expect(from).toBe(set.portFor(call));
      const seen = got.slice(0, 6);
      expect(seen.map(each => [each[0], each[1], each.readUInt16BE(2), each.readUInt32BE(4)])).toEqual(
        [1, 2, 3, 4, 5, 6].map(n => [0x80, profile.payloadType, n, n * 160]),
      );
      expect(seen.map(each => each.readUInt32BE(8))).toEqual(seen.map(() => 0x1000_0000 + call));
      const loud = call === 0 ? 5 : 0;
      expect(seen.map(each => each.subarray(12))).toEqual(
        seen.map((_, at) => (at < loud ? payloads.word : payloads.hum)),
      );
    }
  });

  it('are silent once they have been removed, and deaf', async () => {
    const set = await kindOf(kind, 2);
    const peers = await peersOf([4, 5]);
    await begin(set, peers);
    const [gone, there] = [...peers.values()] as [Peer, Peer];
    await gone.more(2);
    set.remove(4);
    set.remove(4);
    await there.more(3);
    const count = gone.got.length;
    gone.socket.send(packet(0, payloads.hum), gone.from, '127.0.0.1');
    there.answer = at => (at < 8 ? answers(at) : []);
    there.answering = true;
    await there.more(10);
    expect(gone.got).toHaveLength(count);
    expect(await set.report()).toMatchObject({ packetsReceived: 7, dead: 0 });
  });

  it('share few sockets, whatever their number', async () => {
    for (const [streams, most] of [
      [1, 1],
      [100, 7],
      [400, 40],
    ] as const) {
      const set = await kindOf(kind, streams);
      const users = new Map<number, number>();
      for (let call = 0; call < streams; call++)
        users.set(set.portFor(call), (users.get(set.portFor(call)) ?? 0) + 1);
      expect(users.size).toBeLessThanOrEqual(most);
      expect(Math.max(...users.values())).toBeLessThanOrEqual(20);
    }
  });
});

describe.skipIf(!available)('the program of the compiled telephones', () => {
  const sound = 'ff'.repeat(160);
  const run = (input: string, args: readonly string[] = ['1', '0', '20', sound, sound, '0'.repeat(256)]) =>
    spawnSync(programPath(), args, { input, encoding: 'utf8', timeout: 20_000 });

  it('ends with its input', () => {
    const { status, stdout, stderr } = run('add 1 0 9\nmark\nreport\nremove 1\n');
    expect([status, stderr]).toEqual([0, '']);
    const [first, second] = stdout.trim().split('\n');
    expect(JSON.parse(first ?? '')).toEqual({ type: 'open', ports: [expect.any(Number)] });
    expect(JSON.parse(second ?? '')).toMatchObject({ type: 'report', streams: [[0, null]], received: 0 });
  });

  it('ends by itself when its longest time is over', async () => {
    const child = spawn(programPath(), ['1', '0', '0', sound, sound, '0'.repeat(256)]);
    // Nobody has closed its input.
    expect(await new Promise(resolve => child.once('exit', resolve))).toBe(0);
  });

  it.each([
    ['say 1', 'means nothing'],
    ['add 1 0', 'means nothing'],
    ['add 1 0 2 3', 'means nothing'],
    ['add 1 0 2 told 3', 'too many words'],
    ['add 1 1 2', 'no such socket'],
    ['add 1 0 65536', 'too large'],
    ['add -1 0 5', 'something else'],
    ['add 99999999999999999999 0 5', 'too large'],
    ['x'.repeat(5000), 'too long'],
    [Array.from({ length: 600 }, (_, i) => `add ${i * 20} 0 5`).join('\n'), 'too many streams'],
  ])('refuses a line: %#', (line, why) => {
    const { status, stderr } = run(`${line}\n`);
    expect(stderr).toContain(why);
    expect(status).toBe(1);
  });

  it('refuses arguments that it was not made for', () => {
    for (const args of [
      [],
      ['1', '0', '20', sound, sound, '0'],
      ['1', '0', '20', sound, 'zz'.repeat(160), '0'.repeat(256)],
      ['1', '0', '20', sound, 'ff', '0'.repeat(256)],
      ['513', '0', '20', sound, sound, '0'.repeat(256)],
      ['1', '128', '20', sound, sound, '0'.repeat(256)],
    ])
      expect(run('', args).status).toBe(1);
  });

  it('is missed when it dies', async () => {
    const set = await kindOf('compiled', 1);
    if (set.made.by === 'compiled') process.kill(set.made.pid, 'SIGKILL');
    while (lost.length === 0) await new Promise(resolve => setImmediate(resolve));
    expect(lost.map(String)).toEqual([expect.stringContaining('SIGKILL')]);
    await expect(set.report()).rejects.toThrow('SIGKILL');
  });
});

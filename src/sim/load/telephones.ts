import dgram from 'node:dgram';
import { Distribution } from './distribution.ts';
import { driftOf } from './drift.ts';
import { earFor } from './ear.ts';
import { Marks, paceOf } from './marks.ts';
import { monotonic } from './monotonic.ts';
import { callerPayloads, frameMs, isListenedTo, type Profile } from './profile.ts';
import { type Seals, Stream, type Tally } from './stream.ts';
import type { SoundReport, TelephoneSet } from './telephone-set.ts';
import { Wheel } from './wheel.ts';

/** Streams that share a socket: few sockets are cheap, and each has a buffer of the kernel that must not run over. */
export const streamsPerSocket = 16;
const receiveBufferBytes = 4 * 1024 * 1024;
/** One a ms: packets of different telephones do not come in step. */
export const slots = frameMs;

/** Addresses are literals: the resolver is left out. */
const literal: NonNullable<dgram.SocketOptions['lookup']> = (address, _options, callback) =>
  callback(null, address, 4);

interface Line {
  readonly stream: Stream;
  readonly socket: dgram.Socket;
  readonly port: number;
}

/** The sound of all telephones, in Node: few sockets, one wheel. */
export class Telephones implements TelephoneSet {
  readonly made: TelephoneSet['made'];
  readonly #tally: Tally = {
    measuring: false,
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
  readonly #wheel: Wheel;
  #markedAt = 0;
  readonly #profile: Profile;
  readonly #sockets: dgram.Socket[];
  readonly #slots: (Line | undefined)[][] = Array.from({ length: slots }, () => []);
  readonly #byPort = new Array<Stream | undefined>(0x1_0000).fill(undefined);
  readonly #payloads: { readonly hum: Buffer; readonly word: Buffer };

  static async open(profile: Profile, streams: number, why: string): Promise<Telephones> {
    const sockets: dgram.Socket[] = [];
    for (let i = 0; i < Math.ceil(streams / streamsPerSocket); i++) sockets.push(await openSocket());
    return new Telephones(profile, sockets, why);
  }

  private constructor(profile: Profile, sockets: dgram.Socket[], why: string) {
    this.made = { by: 'node', why };
    this.#profile = profile;
    this.#sockets = sockets;
    this.#payloads = callerPayloads(profile);
    for (const socket of sockets) {
      socket.on('message', (packet, from) => this.#byPort[from.port]?.hear(packet, monotonic()));
    }
    this.#wheel = new Wheel({ periodMs: frameMs, slots, turn: slot => this.#send(slot) });
    this.#wheel.start();
  }

  portFor(call: number): number {
    return this.#socketOf(call).address().port;
  }

  add(call: number, port: number, seals?: Seals): void {
    const stream = new Stream({
      call,
      payloadType: this.#profile.payloadType,
      ...this.#payloads,
      ear: isListenedTo(this.#profile, call) ? earFor(this.#profile.codec) : undefined,
      tally: this.#tally,
      ...(seals === undefined ? {} : { seals }),
    });
    this.#byPort[port] = stream;
    const lines = this.#slots[call % slots]!;
    const free = lines.indexOf(undefined);
    lines[free === -1 ? lines.length : free] = { stream, socket: this.#socketOf(call), port };
  }

  remove(call: number): void {
    const lines = this.#slots[call % slots]!;
    const at = lines.findIndex(line => line?.stream.call === call);
    const line = lines[at];
    if (line === undefined) return;
    lines[at] = undefined;
    if (this.#byPort[line.port] === line.stream) this.#byPort[line.port] = undefined;
  }

  #streams(): Stream[] {
    return this.#slots.flatMap(lines => lines.flatMap(line => (line === undefined ? [] : [line.stream])));
  }

  mark(): void {
    const tally = this.#tally;
    tally.measuring = true;
    tally.sent = 0;
    tally.received = 0;
    tally.lost = 0;
    tally.disordered = 0;
    tally.gaps = 0;
    tally.unopened = 0;
    tally.lateness.clear();
    tally.interval.clear();
    this.#wheel.lateness.clear();
    this.#markedAt = monotonic();
    for (const stream of this.#streams()) stream.mark(this.#markedAt);
  }

  async report(): Promise<SoundReport> {
    const ms = monotonic() - this.#markedAt;
    const tally = this.#tally;
    const whole = this.#streams().filter(stream => stream.sinceMark);
    tally.measuring = false;
    return {
      seconds: ms / 1000,
      packetsSent: tally.sent,
      packetsReceived: tally.received,
      lost: tally.lost,
      disordered: tally.disordered,
      dead: whole.filter(stream => stream.received === 0).length,
      pace: paceOf(whole.map(stream => (stream.received * frameMs) / ms)),
      drift: driftOf(whole.map(({ drift }) => drift)),
      lateness: tally.lateness.summary(),
      interval: tally.interval.summary(),
      gaps: tally.gaps,
      unopened: tally.unopened,
      own: this.#wheel.lateness.summary(),
      marks: { speech: tally.speech.list, silence: tally.silence.list, word: tally.word.list },
    };
  }

  async close(): Promise<void> {
    this.#wheel.stop();
    for (const socket of this.#sockets) socket.close();
  }

  #socketOf(call: number): dgram.Socket {
    return this.#sockets[call % this.#sockets.length]!;
  }

  #send(slot: number): void {
    const now = monotonic();
    for (const line of this.#slots[slot]!) {
      if (line !== undefined) line.socket.send(line.stream.next(now), line.port, '127.0.0.1');
    }
  }
}

async function openSocket(): Promise<dgram.Socket> {
  const socket = dgram.createSocket({ type: 'udp4', lookup: literal });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => resolve());
  });
  socket.removeAllListeners('error');
  socket.setRecvBufferSize(receiveBufferBytes);
  // A port that has just been closed answers by ICMP: the call is being hung up.
  socket.on('error', () => undefined);
  return socket;
}

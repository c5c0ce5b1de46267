import dgram from 'node:dgram';
import { WebSocket } from 'ws';
import { callerBytes, frameMs, type Profile, packetBytes, payloadBytes } from './profile.ts';
import { Wheel } from './wheel.ts';

/** The pacer of the bridge has such slots as well: wake-ups are shared to the same degree. */
const slots = 4;
/** Sockets that are opened at once. */
const batch = 25;

const literal: NonNullable<dgram.SocketOptions['lookup']> = (address, _options, callback) =>
  callback(null, address, 4);
const textFrame = { binary: false };

/** One call of the floor. */
class Relay {
  readonly port: number;
  readonly #udp: dgram.Socket;
  readonly #packets: readonly [Buffer, Buffer];
  #sent = 0;
  #target = 0;

  static async open(call: number, url: string, profile: Profile): Promise<Relay> {
    const udp = dgram.createSocket({ type: 'udp4', lookup: literal });
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject);
      udp.bind(0, '127.0.0.1', () => resolve());
    });
    udp.removeAllListeners('error');
    udp.on('error', () => undefined);
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', resolve);
    });
    const variables = { call_id: `load-${call}` };
    socket.send(
      JSON.stringify({ type: 'conversation_initiation_client_data', dynamic_variables: variables }),
    );
    return new Relay(udp, socket, profile);
  }

  private constructor(udp: dgram.Socket, socket: WebSocket, profile: Profile) {
    this.port = udp.address().port;
    this.#udp = udp;
    const sound = Buffer.alloc(callerBytes(profile)).toString('base64');
    const message = Buffer.from(`{"user_audio_chunk":"${sound}"}`);
    const packet = Buffer.alloc(packetBytes, 0xff);
    packet.fill(0, 0, packetBytes - payloadBytes);
    packet[0] = 0x80;
    packet[1] = profile.payloadType;
    this.#packets = [packet, Buffer.from(packet)];
    udp.on('message', (_packet, from) => {
      this.#target = from.port;
      if (socket.readyState === WebSocket.OPEN) socket.send(message, textFrame);
    });
    socket.on('message', () => undefined);
    socket.on('error', () => socket.terminate());
  }

  send(): void {
    if (this.#target === 0) return;
    const packet = this.#packets[this.#sent & 1]!;
    packet.writeUInt16BE(this.#sent & 0xffff, 2);
    packet.writeUInt32BE((this.#sent * payloadBytes) >>> 0, 4);
    this.#sent++;
    this.#udp.send(packet, this.#target, '127.0.0.1');
  }
}

/**
 * What a bridge in Node costs at the least: for each call a UDP socket and a WebSocket. Each datagram that comes sends
 * a message of the length that the bridge would send, each 20 ms a packet leaves; nothing is read, decoded or queued.
 */
export async function openFloor(calls: number, url: string, profile: Profile): Promise<readonly number[]> {
  const relays: Relay[] = [];
  for (let call = 0; call < calls; call += batch) {
    const some = Array.from({ length: Math.min(batch, calls - call) }, (_, i) =>
      Relay.open(call + i, url, profile),
    );
    relays.push(...(await Promise.all(some)));
  }
  const groups = Array.from({ length: slots }, (_, slot) => relays.filter((_relay, i) => i % slots === slot));
  new Wheel({
    periodMs: frameMs,
    slots,
    turn: slot => {
      for (const relay of groups[slot]!) relay.send();
    },
  }).start();
  return relays.map(relay => relay.port);
}

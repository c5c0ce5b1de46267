import dgram from 'node:dgram';
import net, { type AddressInfo } from 'node:net';

const host = '127.0.0.1';

/** One RTP packet as it passed. */
export interface Passed {
  readonly payloadType: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** The sound of one call, both ways. */
export interface RelayedCall {
  readonly fromCaller: Passed[];
  readonly fromBridge: Passed[];
}

/**
 * Stands between a caller and the bridge on one TCP port: puts its own media ports into the SDP of both and writes down
 * every RTP packet on its way through. What each side really sent can so be measured without the right to sniff.
 */
export class MediaRelay {
  readonly port: number;
  /** By Call-ID, in the order of their INVITEs. */
  readonly calls = new Map<string, RelayedCall>();
  readonly #server: net.Server;
  readonly #paths = new Map<string, MediaPath>();
  readonly #sockets = new Set<net.Socket>();

  private constructor(server: net.Server, bridgePort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', caller => {
      const bridge = net.connect(bridgePort, host);
      this.#pump(caller, bridge, 'callerWants');
      this.#pump(bridge, caller, 'bridgeWants');
    });
  }

  static async open(bridgePort: number): Promise<MediaRelay> {
    const server = net.createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, host, resolve);
    });
    return new MediaRelay(server, bridgePort);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const path of this.#paths.values()) path.close();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #pump(from: net.Socket, to: net.Socket, side: 'callerWants' | 'bridgeWants'): void {
    this.#sockets.add(from);
    let held = Buffer.alloc(0);
    let turn = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let length = completeLength(held); length > 0; length = completeLength(held)) {
        const message = held.subarray(0, length).toString('latin1');
        held = held.subarray(length);
        turn = turn.then(async () => void to.write(await this.#rewrite(message, side), 'latin1'));
      }
    });
    from.on('error', () => from.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      void turn.then(() => to.end());
    });
  }

  async #rewrite(message: string, side: 'callerWants' | 'bridgeWants'): Promise<string> {
    const wanted = /^m=audio (\d+) /m.exec(message);
    if (wanted === null) return message;
    const callId = /^Call-ID: (.*)\r$/im.exec(message)?.[1] ?? '';
    const path = await this.#path(callId);
    path[side] = Number(wanted[1]);
    const port = side === 'callerWants' ? path.bridgeSide : path.callerSide;
    const at = message.indexOf('\r\n\r\n') + 4;
    const body = message.slice(at).replace(wanted[0], `m=audio ${port} `);
    return message.slice(0, at).replace(/^Content-Length: *\d+/im, `Content-Length: ${body.length}`) + body;
  }

  async #path(callId: string): Promise<MediaPath> {
    const known = this.#paths.get(callId);
    if (known !== undefined) return known;
    const call: RelayedCall = { fromCaller: [], fromBridge: [] };
    const path = await MediaPath.open(call);
    this.#paths.set(callId, path);
    this.calls.set(callId, call);
    return path;
  }
}

/** The two sockets of one call, one towards each side, and the port that each side asked for. */
class MediaPath {
  callerWants = 0;
  bridgeWants = 0;
  readonly #towardsCaller: dgram.Socket;
  readonly #towardsBridge: dgram.Socket;

  private constructor(call: RelayedCall, towardsCaller: dgram.Socket, towardsBridge: dgram.Socket) {
    this.#towardsCaller = towardsCaller;
    this.#towardsBridge = towardsBridge;
    towardsCaller.on('message', packet => {
      record(packet, call.fromCaller);
      if (this.bridgeWants !== 0) towardsBridge.send(packet, this.bridgeWants, host);
    });
    towardsBridge.on('message', packet => {
      record(packet, call.fromBridge);
      if (this.callerWants !== 0) towardsCaller.send(packet, this.callerWants, host);
    });
  }

  static async open(call: RelayedCall): Promise<MediaPath> {
    const sockets = [dgram.createSocket('udp4'), dgram.createSocket('udp4')] as const;
    for (const socket of sockets) {
      await new Promise<void>(resolve => void socket.bind(0, host, resolve));
      // A caller that has hung up answers with ICMP, which is not this test's concern.
      socket.on('error', () => undefined);
    }
    return new MediaPath(call, ...sockets);
  }

  /** The port that the caller is told to send to. */
  get callerSide(): number {
    return this.#towardsCaller.address().port;
  }

  get bridgeSide(): number {
    return this.#towardsBridge.address().port;
  }

  close(): void {
    this.#towardsCaller.close();
    this.#towardsBridge.close();
  }
}

function record(packet: Buffer, to: Passed[]): void {
  const second = packet[1] ?? 0;
  // RFC 5761 section 4: 64 to 95 in the place of a payload type (marker bit left out) is RTCP.
  if (packet.length < 12 || ((second & 0x7f) >= 64 && (second & 0x7f) <= 95)) return;
  to.push({
    payloadType: second & 0x7f,
    sequence: packet.readUInt16BE(2),
    payload: Buffer.from(packet.subarray(12)),
  });
}

/** Octets of the first message of a stream, 0 while it is not complete. */
function completeLength(held: Buffer): number {
  const end = held.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const length = /^Content-Length: *(\d+)/im.exec(held.toString('latin1', 0, end))?.[1] ?? '0';
  const total = end + 4 + Number(length);
  return held.length >= total ? total : 0;
}

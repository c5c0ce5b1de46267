import type dgram from 'node:dgram';
import { EventEmitter } from 'node:events';
import { parseRtp, RtpView } from '../../../src/media/rtp/packet.ts';

/** What was sent: the header taken apart, and a copy of the payload. */
export interface Sent {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
  readonly port: number;
  readonly address: string;
}

/** A socket that keeps what it is told to send. `emit('message', packet, { address, port })` lets something arrive. */
export class RecordingSocket extends EventEmitter {
  readonly datagrams: Buffer[] = [];
  readonly rtp: Sent[] = [];
  closed = false;

  send(packet: Buffer, ...rest: (number | string)[]): void {
    const [offset, length] = rest.length > 2 ? (rest.splice(0, 2) as [number, number]) : [0, packet.length];
    const [port, address] = rest as [number, string];
    const copy = Buffer.from(packet.subarray(offset, offset + length));
    this.datagrams.push(copy);
    const view = new RtpView();
    if (!parseRtp(copy, view)) return;
    const { payloadType, marker, sequence, timestamp, ssrc } = view;
    const payload = copy.subarray(view.payloadStart, view.payloadStart + view.payloadLength);
    this.rtp.push({ payloadType, marker, sequence, timestamp, ssrc, payload, port, address });
  }

  close(): void {
    if (this.closed) throw new Error('Not running');
    this.closed = true;
  }

  get asSocket(): dgram.Socket {
    return this as unknown as dgram.Socket;
  }
}

/** Numbers in [0, 1) that are the same in every run (xorshift32). */
export function seeded(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}

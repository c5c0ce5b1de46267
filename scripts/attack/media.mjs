// Attacks on the media ports: sound that is not the caller's, and packets that were there before.
import dgram from 'node:dgram';
import { encodeUlaw } from '../../dist/codecs/g711.js';
import { sine } from '../../dist/codecs/tones.js';
import { pause } from './wire.mjs';

/** The tone that must not be heard anywhere, Hz. */
export const injectedHz = 2_500;

export function socketAt(address) {
  return new Promise(resolve => {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => undefined);
    socket.bind(0, address, () => resolve(socket));
  });
}

/** 20 ms of a tone as PCMU. */
export function tonePayload(hz, level = -6) {
  const samples = new Int16Array(160);
  sine(8_000, hz, level).generate(samples, 0, 160);
  const payload = Buffer.alloc(160);
  encodeUlaw(samples, 0, 160, payload, 0);
  return payload;
}

export function rtpPacket(sequence, ssrc, payload) {
  const packet = Buffer.alloc(12 + payload.length);
  packet[0] = 0x80;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE((sequence * 160) >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  payload.copy(packet, 12);
  return packet;
}

/** A loud tone at 50 packets a second into every call, from another port of another address. */
export async function injection(target, over) {
  const counts = { sent: 0, returned: 0 };
  const sockets = await Promise.all(['127.0.4.1', '127.0.0.10'].map(socketAt));
  for (const socket of sockets) socket.on('message', () => counts.returned++);
  const payload = tonePayload(injectedHz);
  for (let sequence = 0; !over(); sequence++) {
    const packet = rtpPacket(sequence, 0x0bad_0bad, payload);
    for (const { rtpPort } of target.calls) {
      sockets[sequence % sockets.length].send(packet, rtpPort, target.tcp.host);
      counts.sent++;
    }
    await pause(20);
  }
  for (const socket of sockets) socket.close();
  return counts;
}

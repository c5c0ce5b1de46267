// The least that a bridge in Node has to do: each datagram sends a message of the right length, each round a packet leaves.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { callerBytes, packetBytes, payloadBytes, profiles } from '../../dist/src/sim/load/profile.js';
import { runSubject } from './subject.mjs';

const loopback = '127.0.0.1';
const textFrame = { binary: false };
const calls = [];

await runSubject({
  async open({ number, url, profile, srtp }) {
    for (let i = 0; i < number; i++) calls.push(await relay(url, profiles[profile], srtp ? 10 : 0));
    return calls.map(({ port }) => ({ port }));
  },
  step() {
    for (const call of calls) call.send();
  },
});

async function relay(url, profile, extraBytes) {
  const udp = dgram.createSocket({ type: 'udp4', lookup: (address, _, done) => done(null, address, 4) });
  await new Promise(resolve => udp.bind(0, loopback, resolve));
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'conversation_initiation_client_data' }));
  socket.on('message', () => undefined);
  await once(socket, 'message');
  const sound = Buffer.alloc(callerBytes(profile)).toString('base64');
  const message = Buffer.from(`{"user_audio_chunk":"${sound}"}`);
  const packet = Buffer.alloc(packetBytes + extraBytes, 0xff);
  packet.fill(0, 0, packetBytes - payloadBytes);
  packet[0] = 0x80;
  packet[1] = profile.payloadType;
  const packets = [packet, Buffer.from(packet)];
  let target = 0;
  let sent = 0;
  udp.on('message', (_packet, from) => {
    target = from.port;
    socket.send(message, textFrame);
  });
  return {
    port: udp.address().port,
    send() {
      const next = packets[sent & 1];
      next.writeUInt16BE(sent & 0xffff, 2);
      next.writeUInt32BE((sent * payloadBytes) >>> 0, 4);
      sent++;
      udp.send(next, target, loopback);
    },
  };
}

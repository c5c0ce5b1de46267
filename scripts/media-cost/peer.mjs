// The other side of a subject whose cost is counted: telephones and agent in one process. It goes as fast as the subject
// answers: one round is 20 ms of sound for every call, and the next one begins when the subject has done its own.
import { createHash } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Protection } from '../../dist/src/media/protection.js';
import { rtpHeaderBytes, writeHeader } from '../../dist/src/media/rtp/packet.js';
import { FrameReader, frameOf, opcodes } from '../../dist/src/sim/load/frames.js';
import {
  agentPiece,
  callerPayloads,
  frameMs,
  packetBytes,
  payloadBytes,
  pieceMs,
  profiles,
} from '../../dist/src/sim/load/profile.js';

const loopback = '127.0.0.1';
const [, , profileName, secure, certificate] = process.argv;
const profile = profiles[profileName];
/** Rounds of one turn of the agent: it talks in the first half of them. */
const turnRounds = 4000 / frameMs;
const pieceRounds = pieceMs / frameMs;

const media = await bound();
media.setRecvBufferSize(4 * 1024 * 1024);
const control = await bound();
const server = secure === 'wss' ? createTlsServer(JSON.parse(certificate)) : createServer();
const conversations = [];
server.on('upgrade', upgrade);
server.listen(0, loopback);
await once(server, 'listening');

const { hum } = callerPayloads(profile);
const pieces = new Map();
let calls = [];
let subjectPort = 0;
let round = 0;
let last = 0;
let heard = 0;
media.on('message', () => heard++);
control.on('message', () => setImmediate(next));

process.on('message', message => {
  if (message.type === 'calls') {
    calls = message.calls.map(call => lineOf(call));
    subjectPort = message.controlPort;
    process.send({ type: 'set' });
  } else {
    last = round + message.rounds;
    heard = 0;
    next();
  }
});
process.on('disconnect', () => process.exit());
process.send({
  type: 'ready',
  url: `${secure === 'wss' ? 'wss' : 'ws'}://${loopback}:${server.address().port}/`,
  mediaPort: media.address().port,
  controlPort: control.address().port,
});

async function bound() {
  const socket = dgram.createSocket({ type: 'udp4', lookup: (address, _, done) => done(null, address, 4) });
  await new Promise(resolve => socket.bind(0, loopback, resolve));
  return socket;
}

function lineOf({ port, srtp }) {
  const protection = new Protection();
  if (srtp !== undefined) protection.apply(srtp);
  const extra = protection.sender?.rtpExtraBytes ?? 0;
  const packets = [Buffer.alloc(packetBytes + extra), Buffer.alloc(packetBytes + extra)];
  return { port, sender: protection.sender, packets, ssrc: port, sent: 0 };
}

function next() {
  if (round === last)
    return process.send({ type: 'ran', heard, messages: conversations.map(c => c.messages) });
  speak();
  for (const call of calls) {
    const packet = call.packets[call.sent & 1];
    writeHeader(
      packet,
      profile.payloadType,
      false,
      call.sent & 0xffff,
      (call.sent * payloadBytes) >>> 0,
      call.ssrc,
    );
    packet.set(hum, rtpHeaderBytes);
    call.sender?.sealRtp(packet, packetBytes);
    call.sent++;
    media.send(packet, call.port, loopback);
  }
  round++;
  // Whatever was sent before lies in the sockets of the subject by now.
  control.send(Buffer.alloc(1), subjectPort, loopback);
}

function speak() {
  const turn = Math.floor(round / turnRounds) + 1;
  if (round % pieceRounds !== 0 || round % turnRounds >= turnRounds / 2) return;
  const piece = pieceOf(turn);
  for (const { socket } of conversations) socket.write(piece);
}

function pieceOf(eventId) {
  if (!pieces.has(eventId)) {
    const sound = agentPiece(profile).toString('base64');
    const text = `{"type":"audio","audio_event":{"audio_base_64":"${sound}","event_id":${eventId}}}`;
    pieces.set(eventId, frameOf(opcodes.text, Buffer.from(text)));
  }
  return pieces.get(eventId);
}

function upgrade(request, socket) {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.setNoDelay(true);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const conversation = { socket, messages: 0 };
  const reader = new FrameReader();
  const take = frame => {
    if (frame.opcode !== opcodes.text) return;
    if (conversation.messages++ === 0) socket.write(frameOf(opcodes.text, Buffer.from(metadata())));
  };
  socket.on('data', chunk => reader.push(chunk, take));
  socket.on('error', () => socket.destroy());
  conversations.push(conversation);
}

function metadata() {
  return JSON.stringify({
    type: 'conversation_initiation_metadata',
    conversation_initiation_metadata_event: {
      conversation_id: `conv_${conversations.length}`,
      agent_output_audio_format: profile.outputFormat,
      user_input_audio_format: profile.inputFormat,
    },
  });
}

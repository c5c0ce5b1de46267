import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { FrameReader } from '../../../src/sim/load/frames.ts';
import { StreamServer } from '../../../src/streams/listener.ts';
import type { StreamSocket } from '../../../src/streams/socket.ts';
import { clientFrame } from '../../support/client-frame.ts';
import { until } from '../../support/until.ts';

const request = [
  'GET / HTTP/1.1',
  'Host: bridge',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');

const sid = 'MZ00000000000000000000000000000001';
const connected = clientFrame('{"event":"connected","protocol":"Call","version":"1.0.0"}');
const start = clientFrame(
  JSON.stringify({
    event: 'start',
    streamSid: sid,
    start: {
      callSid: 'CA1',
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
      customParameters: {},
    },
  }),
);
const event = (name: string, more: object) => JSON.stringify({ event: name, ...more, streamSid: sid });
const mediaText = (chunk: number) =>
  event('media', {
    media: {
      track: 'inbound',
      chunk: `${chunk}`,
      timestamp: `${chunk * 20}`,
      payload: Buffer.alloc(160, chunk).toString('base64'),
    },
  });
const media = (chunk: number) => clientFrame(mediaText(chunk));
const digit = (key: string) => clientFrame(event('dtmf', { dtmf: { digit: key } }));
const ping = clientFrame('are you there', { opcode: 9 });
const stop = clientFrame(event('stop', {}));

let server: StreamServer | undefined;
let client: Socket | undefined;
let told: string[] = [];
let stream: StreamSocket | undefined;

afterEach(() => {
  client?.destroy();
  server?.close();
});

async function dial(): Promise<Socket> {
  const list: string[] = [];
  told = list;
  stream = undefined;
  server = await StreamServer.start({
    admits: () => true,
    claim: (_start, socket) => {
      stream = socket;
      return {
        media: (sound, bytes, timestampMs, chunk) =>
          list.push(`media ${chunk} ${timestampMs} ${bytes} ${sound[0]} ${sound[bytes - 1]}`),
        digit: key => list.push(`digit ${key}`),
        mark: name => list.push(`mark ${name}`),
        ended: how => list.push(how),
      };
    },
    clock: systemClock,
    log: silentLogger,
  });
  client = connect(server.port, '127.0.0.1');
  client.setNoDelay(true);
  client.on('error', () => undefined);
  await once(client, 'connect');
  return client;
}

/** Everything that comes behind the answer to the upgrade, as it grows. */
function answers(socket: Socket): { opcodes: number[]; texts: string[] } {
  const seen = { opcodes: [] as number[], texts: [] as string[] };
  const reader = new FrameReader();
  let head = '';
  socket.on('data', (chunk: Buffer) => {
    let bytes = chunk;
    if (!head.includes('\r\n\r\n')) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      bytes = Buffer.from(head.slice(end + 4), 'latin1');
    }
    reader.push(bytes, ({ opcode, data, start: from, length }) => {
      seen.opcodes.push(opcode);
      seen.texts.push(data.toString('utf8', from, from + length));
    });
  });
  return seen;
}

async function write(socket: Socket, bytes: Buffer, size: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    socket.write(bytes.subarray(at, at + size));
    // So that it comes in these pieces: each is read before the next.
    await new Promise(resolve => setImmediate(resolve));
  }
}

const half = mediaText(5);
const conversation = Buffer.concat([
  connected,
  start,
  media(1),
  media(2),
  digit('7'),
  media(3),
  ping,
  media(4),
  clientFrame(half.slice(0, 40), { fin: false }),
  ping,
  clientFrame(half.slice(40), { opcode: 0 }),
  media(6),
  media(7),
  stop,
]);
const heard = [1, 2, '7', 3, 4, 5, 6, 7].map(each =>
  typeof each === 'string' ? `digit ${each}` : `media ${each} ${each * 20} 160 ${each} ${each}`,
);

describe('the frames of a media stream', () => {
  it.each([3, 50, 333, 400, 1460, 100_000])('mean the same in pieces of %i bytes', async size => {
    const socket = await dial();
    const seen = answers(socket);
    await write(socket, Buffer.concat([Buffer.from(request), conversation]), size);
    await until(() => told.includes('stopped'), 'the end');
    expect(told).toEqual([...heard, 'stopped']);
    await until(() => seen.opcodes.includes(8), 'the close');
    expect(seen.opcodes).toEqual([10, 10, 8]);
  });

  it.each([
    ['text inside of a message', Buffer.concat([clientFrame('{', { fin: false }), media(2)])],
    ['a frame without a mask', clientFrame(mediaText(2), { masked: false })],
    ['a compressed frame', clientFrame(mediaText(2), { reserved: 0x40 })],
    ['a message over the limit', clientFrame(' '.repeat(65 * 1024))],
    ['text that is no UTF-8', clientFrame(Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x22, 0x22]))],
    ['the rest of nothing', clientFrame('x', { opcode: 0 })],
  ])('end it where they are %s', async (_what, frame) => {
    const socket = await dial();
    const seen = answers(socket);
    socket.write(Buffer.concat([Buffer.from(request), connected, start, media(1), frame, media(3)]));
    await until(() => told.includes('closed'), 'the end');
    expect(told).toEqual([heard[0], 'closed']);
    expect(seen.opcodes).toEqual([8]);
  });

  it('that end it are the last: what comes behind them is not heard', async () => {
    const socket = await dial();
    socket.resume();
    socket.write(Buffer.concat([Buffer.from(request), connected, start, media(1)]));
    socket.write(Buffer.concat([clientFrame('', { opcode: 8 }), media(2)]));
    await until(() => told.includes('closed'), 'the end');
    expect(told).toEqual([heard[0], 'closed']);
  });

  it('end it when the connection does, between two or inside of one', async () => {
    for (const bytes of [media(1), Buffer.concat([media(1), media(2).subarray(0, 100)])]) {
      const socket = await dial();
      socket.write(Buffer.concat([Buffer.from(request), connected, start, bytes]));
      await until(() => told.length > 0, 'the sound');
      socket.destroy();
      await until(() => told.includes('closed'), 'the end');
      expect(told).toEqual([heard[0], 'closed']);
      server?.close();
    }
  });

  it('that wait for somebody who does not read are whole when he does', async () => {
    const socket = await dial();
    socket.pause();
    socket.write(Buffer.concat([Buffer.from(request), connected, start]));
    await until(() => stream !== undefined, 'the stream');
    const sent: string[] = [];
    const message = (steps: number, value: number) => {
      stream?.media(new Uint8Array(160 * 15).fill(value), steps);
      sent.push(`${steps} ${value}`);
    };
    for (let i = 0; stream?.bufferedBytes === 0 && i < 50_000; i++) message(15, i & 0x7f);
    for (let i = 0; i < 20; i++) {
      message(1 + (i % 15), 0x80 + i);
      stream?.mark(`${i}`);
      sent.push(`mark ${i}`);
      await new Promise(resolve => setImmediate(resolve));
    }
    const seen = answers(socket);
    socket.resume();
    await until(() => seen.texts.length === sent.length, 'all of it');
    const got = seen.texts.map(text => {
      const { media: sound, mark } = JSON.parse(text) as {
        media?: { payload: string };
        mark?: { name: string };
      };
      if (sound === undefined) return `mark ${mark?.name}`;
      const bytes = Buffer.from(sound.payload, 'base64');
      expect(bytes.every(byte => byte === bytes[0])).toBe(true);
      return `${bytes.length / 160} ${bytes[0]}`;
    });
    expect(got).toEqual(sent);
  });
});

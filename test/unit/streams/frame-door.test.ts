import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { FrameReader } from '../../../src/sim/load/frames.ts';
import { FrameDoor } from '../../../src/streams/frame-door.ts';
import { StreamServer } from '../../../src/streams/listener.ts';
import type { StreamSocket } from '../../../src/streams/socket.ts';
import { clientFrame } from '../../support/client-frame.ts';
import { hideHandle } from '../../support/hidden-handle.ts';
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

/** `prepare` is given the other end before its frames are read. */
async function dial(prepare: (socket: Socket) => void = () => undefined): Promise<Socket> {
  const list: string[] = [];
  told = list;
  stream = undefined;
  server = await StreamServer.start({
    admits: upgrade => {
      prepare(upgrade.socket);
      return true;
    },
    claim: (_start, socket) => {
      stream = socket;
      return {
        media: (sound, timestampMs, chunk) =>
          list.push(`media ${chunk} ${timestampMs} ${sound.length} ${sound[0]} ${sound.at(-1)}`),
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
const frames = [
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
];
const conversation = Buffer.concat(frames);
const heard = [1, 2, '7', 3, 4, 5, 6, 7].map(each =>
  typeof each === 'string' ? `digit ${each}` : `media ${each} ${each * 20} 160 ${each} ${each}`,
);

describe('the frames of a media stream', () => {
  it.each([
    ...[3, 50, 333, 400, 1460, 100_000].map(size => ['', size, () => undefined] as const),
    ...[3, 400, 100_000].map(size => [' where Node reads them', size, hideHandle] as const),
  ])('mean the same%s in pieces of %i bytes', async (_where, size, prepare) => {
    const socket = await dial(prepare);
    const seen = answers(socket);
    await write(socket, Buffer.concat([Buffer.from(request), conversation]), size);
    await until(() => told.includes('stopped'), 'the end');
    expect(told).toEqual([...heard, 'stopped']);
    await until(() => seen.opcodes.includes(8), 'the close');
    expect(seen.opcodes).toEqual([10, 10, 8]);
  });

  it('mean the same when each comes by itself', async () => {
    const socket = await dial();
    const seen = answers(socket);
    for (const frame of [Buffer.from(request), ...frames]) await write(socket, frame, frame.length);
    await until(() => told.includes('stopped'), 'the end');
    expect(told).toEqual([...heard, 'stopped']);
    expect(seen.opcodes.filter(opcode => opcode === 10)).toHaveLength(2);
  });

  it('mean the same when they go past each other on several streams', async () => {
    const first = await dial();
    const told1 = told;
    const server1 = server;
    const second = await dial();
    const told2 = told;
    for (const socket of [first, second])
      socket.write(Buffer.concat([Buffer.from(request), connected, start]));
    for (let i = 1; i < 8; i++) {
      const half = media(i).subarray(0, 200);
      first.write(half);
      second.write(media(10 + i));
      await until(() => told2.length === i, 'the second');
      first.write(media(i).subarray(200));
      await until(() => told1.length === i, 'the first');
    }
    expect(told1).toEqual([1, 2, 3, 4, 5, 6, 7].map(i => `media ${i} ${i * 20} 160 ${i} ${i}`));
    expect(told2).toEqual([11, 12, 13, 14, 15, 16, 17].map(i => `media ${i} ${i * 20} 160 ${i} ${i}`));
    first.destroy();
    server1?.close();
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

describe('what is not read yet', () => {
  let open: Server | undefined;
  afterEach(() => open?.close());

  /** A connection, and its door, which nobody reads. */
  async function unread(): Promise<[Socket, FrameDoor]> {
    const listening = createServer();
    open = listening;
    await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve));
    const came = once(listening, 'connection');
    client = connect({
      port: (listening.address() as { port: number }).port,
      host: '127.0.0.1',
      noDelay: true,
    });
    client.on('error', () => undefined);
    const [given] = (await came) as [Socket];
    const door = new FrameDoor(given, Buffer.alloc(0));
    door.on('error', () => undefined);
    return [client, door];
  }

  it('comes before what follows it', async () => {
    const [socket, door] = await unread();
    const offered: number[] = [];
    door.hearer = { hear: (_text, from, to) => offered.push(to - from) > 0 };
    socket.write(media(1));
    await until(() => offered.length === 1, 'the first');
    socket.write(ping);
    await until(() => door.readableLength === ping.length, 'the ping');
    socket.write(media(2));
    await until(() => door.readableLength > ping.length, 'what waits behind it');
    expect(door.read()).toEqual(Buffer.concat([ping, media(2)]));
    socket.write(media(3));
    await until(() => offered.length === 2, 'the third');
    door.destroy();
  });

  it('waits with the peer when it is much, and comes in order', async () => {
    const [socket, door] = await unread();
    const many = Buffer.concat(Array.from({ length: 50_000 }, (_, i) => clientFrame(`${i}`, { opcode: 9 })));
    socket.write(many);
    await until(() => door.readableLength > 0, 'the first of it');
    let turns = 0;
    // As long as all of it takes where nobody holds it up.
    await until(() => door.readableLength === many.length || ++turns > 40, 'a while');
    expect(door.readableLength).toBeLessThan(200_000);
    const got: Buffer[] = [];
    door.on('data', (chunk: Buffer) => got.push(chunk));
    await until(() => got.reduce((sum, each) => sum + each.length, 0) === many.length, 'all of it');
    expect(Buffer.concat(got).equals(many)).toBe(true);
    door.destroy();
  });
});

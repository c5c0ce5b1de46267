import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Certificate, loopbackCertificate } from '../../../../src/sim/certificate.ts';
import { LoadAgent } from '../../../../src/sim/load/agent.ts';
import { agentProgram, CompiledAgent } from '../../../../src/sim/load/compiled-agent.ts';
import { FrameReader, frameOf, longestFrame, opcodes, payloadOf } from '../../../../src/sim/load/frames.ts';
import { monotonic } from '../../../../src/sim/load/monotonic.ts';
import { type Profile, profiles } from '../../../../src/sim/load/profile.ts';
import { requirePrograms } from '../../../support/programs.ts';
import { until } from '../../../support/until.ts';

interface Options {
  readonly profile?: Profile;
  readonly silent?: boolean;
  readonly tls?: Certificate;
}

let certificate: Certificate;
let agent: LoadAgent | CompiledAgent | undefined;
beforeAll(async () => {
  certificate = await loopbackCertificate();
});
afterEach(() => agent?.close());

const inNode = ({ profile = profiles.pcmu, ...options }: Options) => LoadAgent.start(profile, options);

/** With both sanitizers: whatever is wrong with its memory ends it, and with it the test. */
const checked = (tls = false) =>
  agentProgram({ tls, flags: ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'] });

async function asProgram({ profile = profiles.pcmu, ...options }: Options): Promise<CompiledAgent> {
  const program = checked(options.tls !== undefined);
  if ('why' in program) throw new Error(program.why);
  const onLost = (error: Error) => {
    throw error;
  };
  return CompiledAgent.start(profile, { ...options, path: program.path, onLost });
}

/** A connection to an agent, over TLS where its base URL says so. */
function dial(baseUrl: string, more: ConnectionOptions = {}): Socket {
  const { port, protocol } = new URL(baseUrl);
  const to = { ...more, port: Number(port), host: '127.0.0.1' };
  return protocol === 'https:' ? tlsConnect({ ...to, ca: certificate.cert }) : connect(to);
}

/** The body of what a GET is answered with. */
async function got(url: string): Promise<string> {
  const asked = url.startsWith('https:') ? secureRequest(url, { ca: certificate.cert }) : request(url);
  const [response] = (await once(asked.end(), 'response')) as [IncomingMessage];
  let body = '';
  for await (const piece of response) body += String(piece);
  return body;
}

interface Said {
  readonly type: string;
  readonly audio_event?: { readonly audio_base_64: string; readonly event_id: number };
  readonly conversation_initiation_metadata_event?: Record<string, string>;
}

const initiation = (call: string) =>
  JSON.stringify({
    type: 'conversation_initiation_client_data',
    // What looks like a number of the call, and is none.
    conversation_config_override: {
      agent: { prompt: { prompt: 'say "call_id":"load-7", {' } },
      call_id: 'x-8',
    },
    dynamic_variables: { first: [{ call_id: 'load-9' }], call_id: call },
  });
const sound = (byte: number, bytes = 160) =>
  `{"user_audio_chunk":"${Buffer.alloc(bytes, byte).toString('base64')}"}`;
const closed = (socket: WebSocket) => new Promise<number>(resolve => socket.once('close', resolve));

function hungUp(socket: WebSocket): Promise<number> {
  const end = closed(socket);
  socket.close(1000);
  return end;
}

/** The answer to a ping comes after all that went before it. */
async function settled(socket: WebSocket): Promise<void> {
  const pong = once(socket, 'pong');
  socket.ping('here');
  expect(String((await pong)[0])).toBe('here');
}

/** Settles when the wheel of the agent has moved on by so many slots: what came before the last of them was read. */
async function turned(running: LoadAgent | CompiledAgent, slots: number): Promise<void> {
  const { count } = (await running.report()).own;
  await until(async () => (await running.report()).own.count >= count + slots, 'the wheel to turn');
}

/** A WebSocket of which nothing but its handshake is done: what is sent is up to the test. */
async function rawSocket(url: string): Promise<Socket> {
  const socket = dial(url);
  socket.on('error', () => undefined);
  socket.write(
    'GET /v1/convai/conversation HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  // The key and its answer of RFC 6455 section 1.3.
  expect(String(head)).toMatch(
    /^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/,
  );
  return socket;
}

/** A frame as a client sends it. */
function masked(opcode: number, text: string | Buffer): Buffer {
  const payload = Buffer.from(text);
  const plain = frameOf(opcode, payload);
  const mask = Buffer.from([1, 0x80, 0x55, 0xfe]);
  const head = Buffer.from(plain.subarray(0, plain.length - payload.length));
  head[1] = head[1]! | 0x80;
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i & 3]!)]);
}

/** A conversation with the agent, as far as its first `count` messages. */
const converse = async (count: number, call = 'load-12', running = agent) => {
  const ticket = await got(`${running!.baseUrl}/v1/convai/conversation/get-signed-url?agent_id=a`);
  const { signed_url: url } = JSON.parse(ticket) as { signed_url: string };
  const socket = new WebSocket(url, { perMessageDeflate: false, ca: certificate.cert });
  const said: Said[] = [];
  const enough = new Promise<void>(resolve => {
    socket.on('message', data => {
      said.push(JSON.parse(String(data)) as Said);
      if (said.length === count) resolve();
    });
  });
  await once(socket, 'open');
  socket.send(initiation(call));
  await enough;
  return { socket, said };
};

/** Of RFC 5246 section 6.2.1. */
const alert = 21;

/** Types of the TLS records in what was sent. */
function recordTypes(sent: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at < sent.length; at += 5 + sent.readUInt16BE(at + 3)) types.push(sent[at]!);
  return types;
}

const hasCompiler = requirePrograms('the compiled agent', ['cc']);
const hasTls = requirePrograms('the compiled agent over TLS', ['cc', 'openssl/ssl.h']);
const kinds = [
  { kind: 'in Node', open: inNode, secure: false, available: true },
  { kind: 'compiled', open: asProgram, secure: false, available: hasCompiler },
  { kind: 'in Node, over TLS', open: inNode, secure: true, available: true },
  { kind: 'compiled, over TLS', open: asProgram, secure: true, available: hasTls },
];
// The first time takes seconds.
if (hasCompiler) beforeAll(() => void checked(), 60_000);
if (hasTls) beforeAll(() => void checked(true), 60_000);

for (const { kind, open, secure, available } of kinds) {
  const start = (options: Options): Promise<LoadAgent | CompiledAgent> =>
    open({ ...options, ...(secure ? { tls: certificate } : {}) });

  describe.skipIf(!available)(`the agent for load, ${kind}`, () => {
    it('names its formats, then greets at once', async () => {
      agent = await start({});
      const { said } = await converse(5);
      expect(said[0]).toEqual({
        type: 'conversation_initiation_metadata',
        conversation_initiation_metadata_event: {
          conversation_id: 'conv_load_0',
          agent_output_audio_format: 'ulaw_8000',
          user_input_audio_format: 'ulaw_8000',
        },
      });
      const pieces = said.slice(1).map(({ audio_event: event }) => event);
      expect(pieces.map(piece => piece?.event_id)).toEqual([1, 1, 1, 1]);
      expect(Buffer.from(pieces[0]?.audio_base_64 ?? '', 'base64')).toHaveLength(800);
      const { ready, greeting } = (await agent.report()).marks;
      expect([ready[0]?.call, greeting[0]?.call]).toEqual([12, 12]);
    });

    it('has messages of the length that its format needs', async () => {
      agent = await start({ profile: profiles.pcmu24 });
      const { said } = await converse(2);
      expect(Buffer.from(said[1]?.audio_event?.audio_base_64 ?? '', 'base64')).toHaveLength(4800);
      expect(said[1]?.type).toBe('audio');
    });

    it('says nothing when it is to be silent', async () => {
      agent = await start({ silent: true });
      const { socket, said } = await converse(1);
      await settled(socket);
      expect(said.map(({ type }) => type)).toEqual(['conversation_initiation_metadata']);
    });

    it('counts the sound that it gets, and marks where it becomes loud', async () => {
      agent = await start({});
      const { socket } = await converse(1);
      await agent.mark();
      const before = monotonic();
      for (const byte of [0xff, 0xff, 0x80, 0x80, 0xff, 0x00]) socket.send(sound(byte));
      socket.send('{"type":"user_message","text":"no sound at all"}');
      await settled(socket);
      const report = await agent.report();
      expect(report).toMatchObject({ messagesReceived: 6, conversations: 1, others: 2 });
      expect(report.pace.least).toBeGreaterThan(0);
      expect(report.pace.least).toBe(report.pace.most);
      expect(report.marks.heard.map(({ call }) => call)).toEqual([12, 12]);
      const times = [before, ...report.marks.heard.map(({ at }) => at), monotonic()];
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });

    it('hears samples of 16 bits, of either sign', async () => {
      agent = await start({ profile: profiles.g722 });
      const { socket } = await converse(1);
      const bytes = Buffer.alloc(640);
      for (const sample of [300, -9000, 300, 9000, -300]) {
        for (let at = 0; at < bytes.length; at += 2) bytes.writeInt16LE(sample, at);
        socket.send(`{"user_audio_chunk":"${bytes.toString('base64')}"}`);
      }
      await settled(socket);
      expect((await agent.report()).marks.heard).toHaveLength(2);
    });

    it('forgets a conversation that was closed', async () => {
      agent = await start({});
      const { socket } = await converse(1);
      await agent.mark();
      expect((await agent.report()).conversations).toBe(1);
      expect(await hungUp(socket)).toBe(1000);
      await until(async () => (await agent!.report()).conversations === 0, 'the agent to forget it');
    });

    it('talks with many at once, each in its own time', async () => {
      agent = await start({});
      const running = agent;
      await running.mark();
      const all = await Promise.all(Array.from({ length: 60 }, (_, i) => converse(8, `load-${i}`, running)));
      const ids = all.map(({ said }) => said[0]?.conversation_initiation_metadata_event?.['conversation_id']);
      expect(new Set(ids).size).toBe(60);
      const half = all.filter((_, i) => i % 2 === 0);
      await Promise.all(half.map(({ socket }) => hungUp(socket)));
      await Promise.all(all.filter((_, i) => i % 2 === 1).map(({ socket }) => settled(socket)));
      const { marks, messagesSent, own } = await running.report();
      expect(marks.ready.map(({ call }) => call).toSorted((a, b) => a - b)).toEqual(ids.map((_, i) => i));
      expect(marks.greeting).toHaveLength(60);
      expect(messagesSent).toBeGreaterThanOrEqual(60 * 8);
      expect(own.count).toBeGreaterThan(20);
    });

    it('understands messages wherever they are cut', async () => {
      agent = await start({ silent: true });
      const socket = await rawSocket(agent.baseUrl);
      socket.setNoDelay(true);
      const frames = [
        masked(opcodes.text, initiation('load-5')),
        ...Array.from({ length: 40 }, (_, i) =>
          masked(opcodes.text, sound(i % 4 < 2 ? 0xff : 0x80, 1 + i * 97)),
        ),
        masked(opcodes.ping, 'over'),
      ];
      const reader = new FrameReader();
      const pong = new Promise<string>(resolve => {
        socket.on('data', (chunk: Buffer) =>
          reader.push(chunk, frame => frame.opcode === opcodes.pong && resolve(payloadOf(frame).toString())),
        );
      });
      // Once behind every byte of a head, and somewhat farther on.
      let rest: Buffer = Buffer.alloc(0);
      for (const [index, frame] of frames.entries()) {
        const cut = index % 14;
        socket.write(Buffer.concat([rest, frame.subarray(0, cut)]));
        rest = frame.subarray(cut);
        await turned(agent, 2);
      }
      socket.write(rest);
      expect(await pong).toBe('over');
      const report = await agent.report();
      expect(report).toMatchObject({ messagesReceived: 40, others: 2 });
      expect(report.marks.heard.map(({ call }) => call)).toEqual(Array(10).fill(5));
      socket.destroy();
    });

    it('goes on when others are cut off in the middle of a message', async () => {
      agent = await start({});
      const running = agent;
      const { socket: another } = await converse(1);
      const all = await Promise.all(Array.from({ length: 20 }, () => rawSocket(running.baseUrl)));
      for (const socket of all) socket.write(masked(opcodes.text, initiation('load-6')));
      await until(async () => (await running.report()).marks.greeting.length === 21, 'all of them to begin');
      for (const socket of all) socket.write(masked(opcodes.text, sound(0)).subarray(0, 100));
      await turned(running, 2);
      await running.mark();
      expect((await running.report()).conversations).toBe(21);
      for (const socket of all) socket.destroy();
      await until(async () => (await running.report()).conversations === 1, 'all but one to be forgotten');
      // The wheel comes past all of their places.
      await turned(running, 25);
      await settled(another);
    });

    it('takes the longest message, and ends a conversation with a longer one', async () => {
      agent = await start({ silent: true });
      const { socket } = await converse(1);
      socket.send('x'.repeat(longestFrame));
      await settled(socket);
      const end = closed(socket);
      socket.send('x'.repeat(longestFrame + 1));
      expect(await end).toBe(1009);
      const { socket: another } = await converse(1);
      await settled(another);
    });

    it('lets go of a client that does not read', async () => {
      agent = await start({ silent: true });
      const socket = await rawSocket(agent.baseUrl);
      socket.pause();
      const ping = masked(opcodes.ping, Buffer.alloc(100));
      const many = Buffer.concat(Array.from({ length: 1000 }, () => ping));
      const gone = new Promise<void>(resolve => socket.once('close', () => resolve()));
      // More than the buffers of the kernel and of the agent hold, unless nothing bounds it.
      for (let i = 0; i < 400 && !socket.destroyed; i++) {
        if (!socket.write(many))
          await Promise.race([new Promise(resolve => socket.once('drain', resolve)), gone]);
      }
      expect(socket.destroyed).toBe(true);
      const { socket: another } = await converse(1);
      await settled(another);
    });

    it('gives everybody a signed URL, over one connection', async () => {
      agent = await start({});
      const socket = dial(agent.baseUrl);
      const requests =
        'POST /v1/convai/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody' +
        'HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      let text = '';
      socket.on('data', chunk => (text += String(chunk)));
      socket.write(requests.slice(0, 90));
      await until(() => text.includes('signed_url'), 'the first answer');
      socket.write(requests.slice(90));
      await once(socket, 'end');
      expect(text.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(3);
      const url = `${agent.baseUrl.replace('http', 'ws')}/v1/convai/conversation?conversation_signature=load`;
      expect(text.match(/\{.*?\}/g)).toEqual([
        JSON.stringify({ signed_url: url }),
        JSON.stringify({ signed_url: url }),
      ]);
    });

    it('refuses what is no request', async () => {
      agent = await start({});
      const running = agent;
      const answerTo = async (text: string) => {
        const socket = dial(running.baseUrl);
        socket.on('error', () => undefined);
        socket.end(text);
        let answer = '';
        socket.on('data', chunk => (answer += String(chunk)));
        await once(socket, 'close');
        return answer.slice(0, 12);
      };
      expect(await answerTo('nothing at all\r\n\r\n')).toBe('HTTP/1.1 400');
      expect(await answerTo(`GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toBe(
        'HTTP/1.1 431',
      );
      expect(await answerTo('GET / HTTP/1.1\r\n: x\r\n\r\n')).toBe('HTTP/1.1 400');
    });

    if (!secure) return;

    it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes sessions of %s by their tickets', async version => {
      agent = await start({ silent: true });
      const running = agent;
      const talk = async (session?: Buffer) => {
        const only = { minVersion: version, maxVersion: version };
        const socket = dial(running.baseUrl, { ...only, ...(session === undefined ? {} : { session }) });
        const secured = socket as TLSSocket;
        const tickets: Buffer[] = [];
        secured.on('session', (ticket: Buffer) => tickets.push(ticket));
        secured.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        const [answer] = (await once(secured, 'data')) as [Buffer];
        expect(String(answer)).toMatch(/^HTTP\/1\.1 200/);
        await once(secured, 'end');
        expect(secured.getProtocol()).toBe(version);
        return { resumed: secured.isSessionReused(), ticket: tickets.at(-1) };
      };
      const first = await talk();
      expect(first.resumed).toBe(false);
      const second = await talk(first.ticket);
      expect(second.resumed).toBe(true);
      // What a resumed session brought is good for the next one.
      expect((await talk(second.ticket ?? first.ticket)).resumed).toBe(true);
    });

    /** RFC 5246 section 7.2.1: the record of an alert, which in this version can be seen from outside. */
    it('says that nothing more comes before it closes', async () => {
      agent = await start({ silent: true });
      const raw = connect(Number(new URL(agent.baseUrl).port), '127.0.0.1');
      const seen: Buffer[] = [];
      const spied = raw.pipe(new PassThrough()).on('data', (piece: Buffer) => seen.push(piece));
      const socket = tlsConnect({
        socket: Duplex.from({ readable: spied, writable: raw }),
        ca: certificate.cert,
        maxVersion: 'TLSv1.2',
      });
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      socket.resume();
      await once(spied, 'end');
      expect(recordTypes(Buffer.concat(seen)).at(-1)).toBe(alert);
    });

    it('goes on when others speak no TLS, or leave in the middle of a handshake', async () => {
      agent = await start({ silent: true });
      const port = Number(new URL(agent.baseUrl).port);
      for (const text of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00']) {
        const socket = connect(port, '127.0.0.1').on('error', () => undefined);
        socket.end(text, 'latin1').resume();
        await once(socket, 'close');
      }
      const { socket } = await converse(1);
      await settled(socket);
    });
  });
}

describe.skipIf(!hasCompiler)('the program of the agent', () => {
  it('refuses messages in fragments, and handshakes without a key', async () => {
    agent = await asProgram({});
    const socket = await rawSocket(agent.baseUrl);
    const frame = masked(opcodes.text, 'first part');
    frame[0] = opcodes.text;
    socket.write(frame);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer).toEqual(frameOf(opcodes.close, Buffer.from([1002 >> 8, 1002 & 0xff])));
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const refused = request(agent.baseUrl, { headers: { ...headers, 'sec-websocket-key': 'short' } }).end();
    const [response] = await once(refused, 'response');
    expect(response.statusCode).toBe(400);
    response.resume();
  });

  for (const secure of hasTls ? [false, true] : [false])
    it(`tells when the kernel got a message, not when it was read${secure ? ', over TLS' : ''}`, async () => {
      const running = await asProgram({ silent: true, ...(secure ? { tls: certificate } : {}) });
      agent = running;
      const { socket } = await converse(1);
      const { made } = running;
      if (made.by !== 'compiled') throw new Error('it is in Node');
      process.kill(made.pid, 'SIGSTOP');
      await new Promise<unknown>(resolve => socket.send(sound(0), resolve));
      const sentAt = monotonic();
      process.kill(made.pid, 'SIGCONT');
      const heard = async () => (await running.report()).marks.heard;
      await until(async () => (await heard()).length === 1, 'it to be read');
      expect((await heard())[0]?.at).toBeLessThan(sentAt);
    });

  it('does not begin with TLS that it was not compiled with', async () => {
    const program = checked();
    if ('why' in program) throw new Error(program.why);
    const begun = CompiledAgent.start(profiles.pcmu, {
      path: program.path,
      tls: certificate,
      onLost: () => undefined,
    });
    await expect(begun).rejects.toThrow('the compiled agent ended with 2');
  });

  it('says when it is lost', async () => {
    const program = agentProgram();
    if ('why' in program) throw new Error(program.why);
    const lost = new Promise<Error>(resolve => {
      void CompiledAgent.start(profiles.pcmu, { path: program.path, onLost: resolve }).then(started => {
        if (started.made.by === 'compiled') process.kill(started.made.pid, 'SIGKILL');
      });
    });
    expect((await lost).message).toBe('the compiled agent ended with SIGKILL');
  });
});

import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { header, type Message, MessageStream, statusOf } from '../../src/sim/caller/message.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';

const vectors = new URL('../../../shared/vectors/', import.meta.url);
const present = existsSync(new URL('rfc4475/wsinv.dat', vectors));
if (!present)
  process.stderr.write('SKIPPED torture over TCP and TLS: no messages of RFC 4475 in ../shared/vectors\n');

/** What a well-formed request that reaches our own decision may be answered with. */
const decided = [100, 180, 183, 200, 401, 403, 404, 407, 480, 481, 486, 488, 503, 603].map(String);
/** A method that a bridge has no use for. */
const foreign = ['405', '501'];

/**
 * What each message may come to: a status, `drop` (no answer), or `close` (the connection goes). Unless `close` is
 * among them the connection must stay and answer what comes next, for it may carry the calls of others.
 */
const rfc4475: Readonly<Record<string, readonly string[]>> = {
  wsinv: ['481'],
  intmeth: ['501'],
  esc01: decided,
  escnull: foreign,
  esc02: ['501'],
  lwsdisp: decided,
  longreq: decided,
  // Two requests; the body of the second is longer than it says, and what is left of it is no message.
  dblreq: [...foreign, '400', '488', 'close'],
  semiuri: decided,
  transports: decided,
  mpart01: [...foreign, '415'],
  unreason: ['drop'],
  noreason: ['drop'],
  badinv01: ['400'],
  clerr: ['close'],
  ncl: ['400', 'close'],
  scalar02: ['400', ...foreign],
  scalarlg: ['drop'],
  quotbal: ['400'],
  ltgtruri: ['400'],
  lwsruri: ['400'],
  lwsstart: ['400', ...decided],
  trws: ['400', ...decided],
  escruri: ['400', ...decided],
  baddate: decided,
  regbadct: ['400', ...foreign],
  badaspec: ['400', ...decided],
  baddn: ['400', ...decided],
  badvers: ['505'],
  mismatch01: ['400'],
  mismatch02: ['400', '501'],
  bigcode: ['drop'],
  badbranch: ['400', ...decided],
  insuf: ['400', 'drop'],
  unkscm: ['416'],
  novelsc: ['404', '416'],
  unksm2: ['400', ...foreign],
  bext01: ['420'],
  invut: ['415'],
  regaut01: foreign,
  multi01: ['400'],
  mcl01: ['400', 'close'],
  bcast: ['drop'],
  zeromf: decided,
  cparam01: foreign,
  cparam02: foreign,
  regescrt: foreign,
  sdp01: ['400', '406'],
  inv2543: ['400', 'close'],
  test: ['400', 'drop', 'close'],
};

const rfc5118: Readonly<Record<string, readonly string[]>> = {
  'ipv6-good': foreign,
  'ipv6-bad': ['400'],
  'port-ambiguous': foreign,
  'port-unambiguous': foreign,
  'via-received-param-with-delim': ['481'],
  'via-received-param-no-delim': decided,
  'ipv6-in-sdp': decided,
  'mult-ip-in-header': ['481'],
  'mult-ip-in-sdp': decided,
  'ipv4-mapped-ipv6': decided,
  'ipv6-bug-abnf-3-colons': ['400', ...decided],
  'ipv6-correct-abnf-2-colons': decided,
};

function read(set: string, name: string): Buffer {
  const bytes = readFileSync(new URL(`${set}/${name}.dat`, vectors));
  // The archive's copy of this one stops before its empty line.
  return name === 'baddn' ? Buffer.concat([bytes, Buffer.from('\r\n')]) : bytes;
}

const nextCallId = 'what-comes-next@127.0.0.1';

type Transport = 'tcp' | 'tls';

function options(transport: Transport, port: number): string {
  const lines = [
    `OPTIONS sip:127.0.0.1:${port};transport=${transport} SIP/2.0`,
    `Via: SIP/2.0/${transport.toUpperCase()} 127.0.0.1:5060;branch=z9hG4bKnext`,
    'Max-Forwards: 70',
    'From: <sip:tester@127.0.0.1>;tag=next',
    `To: <sip:127.0.0.1:${port}>`,
    `Call-ID: ${nextCallId}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

interface Outcome {
  /** Statuses in the order they came; provisional ones too. */
  readonly statuses: string[];
  readonly closed: boolean;
  /** Status of the OPTIONS that was sent behind it. */
  readonly next: number | undefined;
}

interface Sending {
  readonly transport: Transport;
  readonly port: number;
  /** PEM that the certificate is checked against. */
  readonly ca: string;
  /** What goes over the connection; each piece is written by itself. */
  readonly pieces: readonly Buffer[];
}

function connect({ transport, port, ca }: Sending, ready: () => void): net.Socket {
  if (transport === 'tcp') return net.connect({ port, host: '127.0.0.1', noDelay: true }, ready);
  return tls.connect({ port, host: '127.0.0.1', ca, servername: 'localhost' }, ready).setNoDelay(true);
}

/** Writes one piece after the other was handed on, so that none is joined with the one before. */
function writeApart(socket: net.Socket, pieces: readonly Buffer[]): void {
  const [first, ...rest] = pieces;
  if (first === undefined || !socket.writable) return;
  socket.write(first, () => setImmediate(() => writeApart(socket, rest)));
}

/** Bytes in pieces, cut at these places. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map(place => place % (bytes.length + 1)), bytes.length].sort((x, y) => x - y);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)).filter(piece => piece.length > 0);
}

/** Sends what is to be sent, and listens until the OPTIONS at its end is answered or the connection goes. */
function send(sending: Sending): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = connect(sending, () => writeApart(socket, sending.pieces));
    const stream = new MessageStream();
    const statuses: string[] = [];
    const finish = (closed: boolean, next: number | undefined) => {
      socket.destroy();
      resolve({ statuses, closed, next });
    };
    socket.setTimeout(15_000, () => {
      socket.destroy();
      reject(new Error(`neither an answer nor an end of the connection; so far ${statuses}`));
    });
    const take = (message: Message) => {
      if (header(message, 'Call-ID') === nextCallId) finish(false, statusOf(message));
      else statuses.push(String(statusOf(message)));
    };
    socket.on('data', (chunk: Buffer) => stream.push(chunk).forEach(take));
    socket.on('error', () => finish(true, undefined));
    socket.on('close', () => finish(true, undefined));
  });
}

/** Every message comes over a connection of its own, all from one address. */
const config = `
sip:
  limits:
    messageMs: 1000
    handshakesPerSecond: 1000
    handshakesPerSecondPerSource: 1000
drain:
  deadline_seconds: 0
`;

const all = [
  ...Object.entries(rfc4475).map(([name, may]) => ({ set: 'rfc4475', name, may })),
  ...Object.entries(rfc5118).map(([name, may]) => ({ set: 'rfc5118', name, may })),
];
type Row = (typeof all)[number];

/** The message and, unless it is incomplete, an OPTIONS behind it: that would only be the rest of its body. */
function bytesOf({ set, name }: Row, transport: Transport, port: number): Buffer {
  const message = read(set, name);
  return name === 'clerr' ? message : Buffer.concat([message, Buffer.from(options(transport, port))]);
}

function judge({ may }: Row, { statuses, closed, next }: Outcome): void {
  const answers = statuses.length === 0 ? [closed ? 'close' : 'drop'] : statuses;
  for (const answer of answers) expect(may).toContain(answer);
  if (!may.includes('close')) expect({ closed, next }).toEqual({ closed: false, next: 200 });
}

describe.skipIf(!present)('torture messages', () => {
  let daemon: StagedDaemon;

  beforeAll(async () => {
    // An agent that never begins: no call is answered, so no sound goes to the addresses that the messages name.
    const agents = { agent: { mode: 'misbehave', how: { kind: 'silent' } } } as const;
    daemon = await StagedDaemon.start({
      agentId: 'agent',
      agent: { agents },
      config,
    });
  });

  afterAll(async () => {
    const errors = daemon.log().filter(({ level }) => level === 'error');
    expect(await daemon.stop()).toBe(0);
    expect(errors).toEqual([]);
  });

  const sending = (row: Row, transport: Transport, places: readonly number[] = []): Sending => {
    const port = daemon[transport];
    const bytes = bytesOf(row, transport, port);
    return { transport, port, ca: daemon.world.certificate.cert, pieces: cutAt(bytes, places) };
  };

  describe.each(['tcp', 'tls'] as const)('over %s', transport => {
    it.each(all)('$name of $set is answered as it should be, and what comes next is answered', async row =>
      judge(row, await send(sending(row, transport))),
    );

    it.each(all)('$name of $set is answered the same when it is cut at random points', async row => {
      const places = fc.array(fc.nat(10_000), { minLength: 1, maxLength: 12 });
      // One seed for each message: a failure comes again.
      const seed = [...row.name].reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7) | 0;
      await fc.assert(
        fc.asyncProperty(places, async cuts => judge(row, await send(sending(row, transport, cuts)))),
        { numRuns: row.name === 'clerr' ? 1 : 3, seed, endOnFailure: true },
      );
    });
  });
});

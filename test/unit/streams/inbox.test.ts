import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { inbox, readIntoInbox } from '../../../src/streams/inbox.ts';
import { hideHandle } from '../../support/hidden-handle.ts';
import { until } from '../../support/until.ts';

let server: Server | undefined;
const clients: Socket[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  server?.close();
});

interface Side {
  /** The socket as the server was given it, and the one that goes on with it. */
  readonly given: Socket;
  readonly wire: Socket;
  read: string;
}

async function listen(prepare: (socket: Socket) => void): Promise<() => Promise<[Socket, Side]>> {
  const sides: Side[] = [];
  const made = createServer({ allowHalfOpen: true }, given => {
    prepare(given);
    const wire = readIntoInbox(given, {
      came: bytes => {
        side.read += inbox.bytes.toString('latin1', 0, bytes);
      },
    });
    const side: Side = { given, wire, read: '' };
    wire.on('error', () => undefined);
    sides.push(side);
  });
  server = made;
  await new Promise<void>(resolve => made.listen(0, '127.0.0.1', resolve));
  const { port } = made.address() as { port: number };
  return async () => {
    const client = connect({ port, host: '127.0.0.1', noDelay: true });
    clients.push(client);
    await once(client, 'connect');
    await until(() => sides.length === clients.length, 'the other end');
    return [client, sides.at(-1)!];
  };
}

const ways = [
  ['reads into the inbox itself', () => undefined],
  ['is read by Node, where that cannot be', hideHandle],
] as const;

describe.each(ways)('a socket that %s', (_way, prepare) => {
  it('brings all that comes, to whom it is for', async () => {
    const dial = await listen(prepare);
    const [one, first] = await dial();
    const [two, second] = await dial();
    const long = 'abcdefghij'.repeat(20_000);
    one.write(long);
    two.write('two');
    await until(() => first.read.length === long.length && second.read !== '', 'all of it');
    one.write('!');
    await until(() => first.read.length > long.length, 'the last of it');
    expect(first.read === `${long}!`).toBe(true);
    expect(second.read).toBe('two');
  });

  it('is paused and goes on', async () => {
    const dial = await listen(prepare);
    const [client, side] = await dial();
    client.write('a');
    await until(() => side.read === 'a', 'the first');
    side.wire.pause();
    client.write('b');
    // What another socket gets meanwhile, this one would have got too.
    const [other, beside] = await dial();
    other.write('c');
    await until(() => beside.read === 'c', 'the other');
    expect(side.read).toBe('a');
    side.wire.resume();
    await until(() => side.read === 'ab', 'the rest');
  });

  it('writes, and hears of the end, after which it can still write', async () => {
    const dial = await listen(prepare);
    const [client, { wire }] = await dial();
    const ended = once(wire, 'end');
    const closed = once(wire, 'close');
    client.end();
    await ended;
    wire.end('bye');
    const [got] = (await once(client, 'data')) as [Buffer];
    expect(got.toString()).toBe('bye');
    await closed;
  });

  it('hears when the connection breaks, and its server forgets it', async () => {
    const dial = await listen(prepare);
    const [client, { wire }] = await dial();
    const closed = new Promise(resolve => wire.once('close', resolve));
    client.resetAndDestroy();
    await closed;
    await new Promise(resolve => server?.close(resolve));
  });
});

describe('reading into the inbox', () => {
  it('is how it goes with the Node that runs this: nothing comes by the way of old', async () => {
    const dial = await listen(() => undefined);
    const [client, { given, wire }] = await dial();
    expect(wire).not.toBe(given);
    let pieces = 0;
    wire.on('data', () => pieces++);
    client.write('x');
    await until(() => inbox.bytes[0] === 'x'.charCodeAt(0), 'the byte');
    expect(pieces).toBe(0);
    expect(given.destroyed).toBe(true);
  });

  it('is left where Node hides how', async () => {
    const dial = await listen(hideHandle);
    const [, { given, wire }] = await dial();
    expect(wire).toBe(given);
  });
});

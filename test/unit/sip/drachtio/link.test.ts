import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import { drachtioLimits } from '../../../../src/sip/drachtio/limits.ts';
import { addressesOf, Link } from '../../../../src/sip/drachtio/link.ts';
import { newSrf } from '../../../../src/sip/drachtio/srf.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeServer } from './fake-server.ts';

describe('the addresses that a server listens on', () => {
  it.each([
    ['tcp/127.0.0.1:5060', [{ transport: 'tcp', address: '127.0.0.1', port: 5060 }]],
    ['udp/127.0.0.1:5060,tls/[2001:db8::1]:5061', [{ transport: 'tls', address: '2001:db8::1', port: 5061 }]],
    ['', []],
    ['tcp/nowhere:5060,tcp/127.0.0.1', []],
  ])('of %j are %j', (text, addresses) => {
    expect(addressesOf(text)).toEqual(addresses);
  });
});

describe('the link to a server', () => {
  let clock: ManualClock;
  let server: FakeServer;
  let heard: string[];
  let wake: () => void;

  beforeEach(async () => {
    clock = new ManualClock();
    server = new FakeServer();
    heard = [];
    wake = () => undefined;
    await server.listen();
  });

  const tell = (what: string) => {
    heard.push(what);
    wake();
  };
  const until = async (done: () => boolean) => {
    while (!done()) {
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
  };
  const create = (port = server.port, secret = 'good') =>
    new Link({
      admin: { host: '127.0.0.1', port, secret },
      newSrf,
      clock,
      limits: drachtioLimits,
      log: { ...silentLogger, warn: (_text, fields) => tell(`waits ${fields?.['waitMs']}`) },
      listener: {
        prepare: srf => {
          tell('prepare');
          srf.invite(() => undefined);
        },
        up: addresses => tell(`up ${addresses.map(({ port: at }) => at).join()}`),
        refused: () => tell('refused'),
        down: () => tell('down'),
      },
    });

  let link: Link;
  afterEach(async () => {
    await Promise.all([link.close(), server.close().catch(() => undefined)]);
    expect(link.state).toBe('shut');
    expect(clock.pending).toBe(0);
  });

  it('offers the secret, and is up once the server knows which requests it may have', async () => {
    link = create();
    link.open();
    await until(() => heard.length === 2);
    expect(heard).toEqual(['prepare', 'up 5060']);
    expect(link.state).toBe('up');
    expect(link.srf).toBeDefined();
  });

  it('knocks with a wrong secret no more often than every half minute', async () => {
    link = create(server.port, 'wrong');
    link.open();
    await until(() => heard.includes('refused'));
    expect(heard).toEqual(['refused', `waits ${drachtioLimits.retryMostMs}`]);
    expect(link.srf).toBeUndefined();
    clock.advance(drachtioLimits.retryMostMs - 1);
    expect(link.state).toBe('waiting');
  });

  it('comes back after a loss, and begins again with the shortest wait once it was up', async () => {
    link = create();
    link.open();
    await until(() => heard.includes('up 5060'));
    for (let round = 0; round < 2; round++) {
      heard.length = 0;
      server.drop();
      await until(() => heard.length === 2);
      expect(heard).toEqual(['down', 'waits 250']);
      clock.advance(250);
      await until(() => heard.length === 4);
      expect(heard.slice(2)).toEqual(['prepare', 'up 5060']);
    }
  });

  it('waits longer and longer while nobody is there, and never longer than the longest wait', async () => {
    const { port } = server;
    await server.close();
    link = create(port);
    link.open();
    for (const waitMs of [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      await until(() => heard.length > 0);
      expect(heard.splice(0)).toEqual([`waits ${waitMs}`]);
      clock.advance(waitMs);
    }
    await until(() => heard.length > 0);
  });

  it('gives up a server that takes the connection and says nothing', async () => {
    server.secret = '';
    const silent = new FakeServer();
    silent.serve = socket => void socket.resume();
    await silent.listen();
    link = create(silent.port);
    link.open();
    expect(link.state).toBe('connecting');
    clock.advance(drachtioLimits.handshakeMs);
    expect(heard).toEqual(['waits 250']);
    await silent.close();
  });

  it('drops a server whose messages cannot be told apart, and lives on', async () => {
    link = create();
    link.open();
    await until(() => heard.includes('up 5060'));
    server.raw('12#not a length at all, and what comes then');
    await until(() => heard.includes('down'));
    clock.advance(250);
    await until(() => heard.filter(what => what === 'up 5060').length === 2);
  });
});

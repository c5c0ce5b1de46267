import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimTwilio } from '../../../src/sim/twilio/server.ts';
import { connectionLimits, twilioLimits } from '../../../src/twilio/limits.ts';
import { type ConnectionSource, LiveConnection } from '../../../src/twilio/live-connection.ts';
import { verifyOf } from '../../../src/twilio/verify.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const number = '+14155550123';

let clock: ManualClock;
let sim: SimTwilio;
let source: ConnectionSource;
let connection: LiveConnection;

const keyed = (): ConnectionSource => ({
  account: {
    accountSid: sim.accountSid,
    credentials: { kind: 'key', keySid: sim.apiKeySid, keySecret: sim.apiKeySecret },
  },
  baseUrl: sim.baseUrl,
  senders: { verifyServiceSid: sim.verifyServiceSid },
});

beforeEach(async () => {
  clock = new ManualClock();
  sim = await SimTwilio.start();
  source = keyed();
  connection = new LiveConnection({ source: () => source, clock });
});
afterEach(async () => {
  connection.close();
  await sim.close();
});

function clientNow() {
  const client = connection.client();
  if (!client.ok) throw client.failure;
  return client.value;
}

describe('a connection to Twilio', () => {
  it('has one client for as long as the credentials stay the same', () => {
    const first = clientNow();
    source = keyed();
    expect(clientNow()).toBe(first);
  });

  it('uses other credentials as soon as there are any, and drops the old connections once nothing can use them', async () => {
    const before = clientNow();
    expect((await verifyOf(connection)?.send(number, 'sms'))?.ok).toBe(true);
    source = {
      ...keyed(),
      account: { accountSid: sim.accountSid, credentials: { kind: 'token', authToken: sim.authToken } },
    };
    expect(clientNow()).not.toBe(before);
    expect((await verifyOf(connection)?.send(number, 'sms'))?.ok).toBe(true);
    expect(sim.requests).toHaveLength(2);
    expect(clock.pending).toBe(1);
    clock.advance(twilioLimits.budgetMs);
    expect(clock.pending).toBe(0);
  });

  it('says what to set while there are no credentials, and works once there are', async () => {
    source = { senders: source.senders };
    const none = connection.client();
    expect(none.ok ? undefined : none.failure.code).toBe('twilio-disconnected');
    expect(none.ok ? undefined : none.failure.message).toContain('TWILIO_ACCOUNT_SID');
    expect(connection.status).toMatchObject({ state: 'disconnected' });
    expect(connection.accountSid).toBeUndefined();
    expect(connection.authToken()).toBeUndefined();
    expect(verifyOf(connection)).toBeUndefined();
    source = keyed();
    expect(connection.status).toEqual({ state: 'active' });
    expect((await verifyOf(connection)?.send(number, 'sms'))?.ok).toBe(true);
  });

  it('tries credentials that are not taken again after a while, and no sooner', async () => {
    sim.failNext({ drop: 'request' }, 9);
    await connection.attend();
    expect(connection.status).toMatchObject({ state: 'error', cause: expect.stringContaining('connection') });
    const asked = sim.requests.length;
    sim.recover();
    clock.advance(connectionLimits.recheckMs - 1);
    await connection.attend();
    expect(sim.requests).toHaveLength(asked);
    clock.advance(1);
    await connection.attend();
    expect(connection.status).toEqual({ state: 'active', checkedAt: clock.wall() });
    await connection.attend();
    expect(sim.requests).toHaveLength(asked + 1);
  });

  it('has no Verify without a service', () => {
    source = { ...keyed(), senders: {} };
    expect(verifyOf(connection)).toBeUndefined();
  });

  it('knows the token that signatures are made with beside a key', () => {
    expect(connection.authToken()).toBeUndefined();
    const { account } = keyed();
    if (account?.credentials.kind !== 'key') throw new Error('a key was expected');
    source = { ...keyed(), account: { ...account, credentials: { ...account.credentials, authToken: 't' } } };
    expect(connection.authToken()).toBe('t');
    expect(connection.accountSid).toBe(sim.accountSid);
  });
});

import { describe, expect, it } from 'vitest';
import type { GateState } from '../../../../src/tools/gates.ts';
import type { Send, SendOutcome } from '../../../../src/tools/sending/gate.ts';
import { defaultSendingPolicy } from '../../../../src/tools/sending/policy.ts';
import { Sending } from '../../../../src/tools/sending/sending.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const open: GateState = { allowAutonomousSends: true, killSwitch: false };
const message: Send = {
  tool: 'twilio_send_sms',
  kind: 'sms',
  to: '+14155550123',
  sender: '+14155550199',
  text: 'Your table is booked.',
  request: {},
};
const sent: SendOutcome = {
  result: { status: 'queued', message: 'It is on its way.' },
  done: 'sent',
  requestId: 'RQ1',
};

function world(gate: GateState | 'down', dryRun = false) {
  const control = new FakeControl();
  const performed: Send[] = [];
  const sending = new Sending({
    gates: { read: async () => (gate === 'down' ? Promise.reject(new Error('down')) : gate) },
    policy: () => ({ ...defaultSendingPolicy, dryRun }),
  });
  sending.register('sms', async send => {
    performed.push(send);
    return sent;
  });
  const context = toolContext(new ManualClock(), control);
  const run = () => sending.send(message, context, new AbortController().signal);
  return { run, performed, noted: () => Object.assign({}, ...control.noted) };
}

describe('the gate of sends', () => {
  it.each([
    ['closed, as it is by default', { ...open, allowAutonomousSends: false }, 'needs_human', 'allow_sends'],
    ['open with the kill switch on', { ...open, killSwitch: true }, 'switched_off', 'kill_switch'],
    ['unknown, because the store is down', 'down', 'unavailable', 'store'],
  ] as const)('lets nothing through when it is %s', async (_title, gate, status, refuser) => {
    const { run, performed, noted } = world(gate);
    expect(await run()).toMatchObject({ status });
    expect(performed).toEqual([]);
    expect(noted().gates.at(-1)).toMatchObject({ gate: refuser, decision: 'refuse' });
  });

  it('lets a message through when it is open, and notes what the gates said', async () => {
    const { run, performed, noted } = world(open);
    expect(await run()).toEqual(sent.result);
    expect(performed).toEqual([message]);
    expect(noted()).toEqual({
      gates: [
        { gate: 'kill_switch', decision: 'pass' },
        { gate: 'allow_sends', decision: 'pass' },
      ],
      requestId: 'RQ1',
    });
  });

  it('sends nothing in a dry run', async () => {
    const { run, performed } = world(open, true);
    expect(await run()).toMatchObject({ status: 'dry_run' });
    expect(performed).toEqual([]);
  });
});

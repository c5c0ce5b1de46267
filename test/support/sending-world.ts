import type { BridgeEvent } from '../../src/core/events.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { ToolRunFacts } from '../../src/core/tool-facts.ts';
import type { GateState } from '../../src/tools/gates.ts';
import type { Send, SendOutcome } from '../../src/tools/sending/gate.ts';
import { HeldDesk } from '../../src/tools/sending/held-desk.ts';
import { HeldWatch } from '../../src/tools/sending/held-watch.ts';
import { defaultSendingPolicy, type SendingPolicy } from '../../src/tools/sending/policy.ts';
import type { Bought } from '../../src/tools/sending/real-prices.ts';
import { Sending } from '../../src/tools/sending/sending.ts';
import type { ToolContext, ToolResult } from '../../src/tools/tool.ts';
import { FakeControl, toolContext } from './fake-control.ts';
import { FakeStore } from './fake-store.ts';
import { ManualClock } from './manual-clock.ts';

export const caller = '+14155550123';
export const stranger = '+14155550124';

export const message: Send = {
  tool: 'twilio_send_sms',
  kind: 'sms',
  to: stranger,
  sender: '+14155550199',
  text: 'Your table is booked.',
  request: { from: '+14155550199' },
};

export const queued: SendOutcome = {
  result: { status: 'queued', message: 'It is on its way.' },
  done: 'sent',
  requestId: 'RQ1',
};

/** A call of a `SendingWorld`. */
export interface SendingCall {
  readonly context: ToolContext;
  readonly control: FakeControl;
  /** What was noted of its runs, the last word of each. */
  noted(): ToolRunFacts;
}

/** What may be different in a world. */
export interface WorldChange {
  readonly gate?: GateState | 'down';
  readonly policy?: Partial<SendingPolicy>;
  readonly down?: boolean;
}

/** The gate with a store that forgets everything, and a performer that writes down what it is given. */
export class SendingWorld {
  readonly clock = new ManualClock();
  readonly store = new FakeStore({ clock: this.clock });
  readonly performed: Send[] = [];
  readonly events: BridgeEvent[] = [];
  /** What a price is waited for. */
  readonly bought: Bought[] = [];
  gate: GateState | 'down' = { allowAutonomousSends: true, killSwitch: false };
  policy: SendingPolicy = defaultSendingPolicy;
  /** What the next sends come to. */
  outcome: () => Promise<SendOutcome> = async () => queued;
  readonly watch = new HeldWatch({ heldSends: this.store.heldSends, clock: this.clock });
  readonly sending: Sending;
  readonly desk: HeldDesk;

  constructor() {
    const { counters, optOuts, heldSends, executions } = this.store;
    const { clock, watch } = this;
    const policy = () => this.policy;
    const log = silentLogger;
    this.sending = new Sending({
      gates: { read: async () => (this.gate === 'down' ? Promise.reject(new Error('down')) : this.gate) },
      ...{ policy, counters, optOuts, heldSends, watch, clock, log, country: 'US' },
      prices: { note: bought => void this.bought.push(bought) },
    });
    const events = { emit: (event: BridgeEvent) => void this.events.push(event) };
    this.desk = new HeldDesk({ sending: this.sending, policy, heldSends, executions, watch, events, clock });
    this.sending.register('sms', send => {
      this.performed.push(send);
      return this.outcome();
    });
  }

  set({ gate = this.gate, policy = {}, down = false }: WorldChange): void {
    this.gate = gate;
    this.policy = { ...this.policy, ...policy };
    this.store.down = down;
  }

  call(callerId = caller): SendingCall {
    const control = new FakeControl();
    const context = toolContext(this.clock, control, { callerId, callerTrusted: true });
    return { context, control, noted: () => Object.assign({}, ...control.noted) };
  }

  send(more: Partial<Send> = {}, call = this.call()): Promise<ToolResult> {
    return this.sending.send({ ...message, ...more }, call.context, new AbortController().signal);
  }
}

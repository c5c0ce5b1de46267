import type { AgentStart, AgentToolAnswer } from '../../src/agent/agent.ts';
import type { CallOptions } from '../../src/call/controller.ts';
import type { Party, PartyFacts } from '../../src/call/party.ts';
import { type Ending, ending } from '../../src/core/ending.ts';
import { fail, ok, type Result } from '../../src/core/errors.ts';
import type { BridgeEvent } from '../../src/core/events.ts';
import type { LegId } from '../../src/core/ids.ts';
import { type LegStats, noLegStats } from '../../src/core/leg-stats.ts';
import type { Prompt } from '../../src/core/prompt.ts';
import type { MediaPlan } from '../../src/sdp/plan.ts';
import type {
  Joining,
  KeyForm,
  Leg,
  LegListener,
  PlayTime,
  RecordingOptions,
} from '../../src/worker/legs.ts';

export const someFacts: PartyFacts = {
  callId: 'pbx-1',
  callerId: '+14155550123',
  calledNumber: '+14155550199',
  callerTrusted: true,
  trunk: 'default',
  variables: {},
};

export const someOptions: CallOptions = {
  settleMs: 300,
  startTimeoutMs: 5000,
  inputChunkMs: 20,
  queuePolicy: 'busy',
  queueWaitMs: 60_000,
  ringMs: 60_000,
  longestMs: 3_600_000,
  refusedOverrides: 'drop',
  survival: {
    policy: 'hangup',
    reconnectMs: 10_000,
    resumeLine: 'Back again.',
    reconnectSound: 'reconnecting',
    hangupSound: 'goodbye',
  },
  waiting: { afterMs: 1500 },
};

/** A party that does what the test says and writes down what was asked of it. */
export class FakeParty implements Party {
  readonly facts: PartyFacts;
  readonly asked: string[] = [];
  readonly ended: Promise<Ending>;
  endedWith: Ending | undefined;
  onReplaced?: (sipCallId: string) => void;
  #settleEnded: (end: Ending) => void = () => undefined;
  #settleAccept: (result: Result<void, Ending>) => void = () => undefined;

  constructor(facts: PartyFacts = someFacts) {
    this.facts = facts;
    this.ended = new Promise(resolve => {
      this.#settleEnded = resolve;
    });
  }

  ring(): void {
    this.asked.push('ring');
  }

  accept(): Promise<Result<void, Ending>> {
    this.asked.push('accept');
    return new Promise(resolve => {
      this.#settleAccept = resolve;
    });
  }

  end(end: Ending): void {
    this.asked.push(`end ${end.reason}`);
    this.endedWith ??= end;
    this.#settleEnded(end);
  }

  /** The ACK arrives. */
  acknowledge(): void {
    this.#settleAccept(ok(undefined));
  }

  /** The peer goes: BYE, CANCEL or a lost connection. */
  go(end: Ending = ending('caller-hung-up')): void {
    this.#settleAccept(fail(end));
    this.#settleEnded(end);
  }
}

const nameOf = (prompt: Prompt | 'off') => (typeof prompt === 'string' ? prompt : prompt.name);

/** A leg that writes down what was asked of it; `listener` is what the call hears through. */
export class FakeLeg implements Leg {
  readonly id = 'leg_test' as LegId;
  readonly local = { rtpPort: 10000, rtcpPort: 10001 };
  readonly asked: string[] = [];
  readonly starts: AgentStart[] = [];
  readonly answers: AgentToolAnswer[] = [];
  readonly plans: MediaPlan[] = [];
  listener: LegListener | undefined;

  listen(listener: LegListener): void {
    this.listener = listener;
  }

  apply(plan: MediaPlan): void {
    this.plans.push(plan);
    this.asked.push('apply');
  }

  reapply(): void {
    this.asked.push('reapply');
  }

  open(): void {
    this.asked.push('open');
  }

  agent(start: AgentStart): void {
    this.starts.push(start);
    this.asked.push('agent');
  }

  prepare(start: AgentStart): void {
    this.starts.push(start);
    this.asked.push('prepare');
  }

  begin(): void {
    this.asked.push('begin');
  }

  dismiss(): void {
    this.asked.push('dismiss');
  }

  answerTool(answer: AgentToolAnswer): void {
    this.answers.push(answer);
  }

  tell(text: string, how: 'turn' | 'context'): void {
    this.asked.push(`tell ${how} ${text}`);
  }

  record({ folder, key }: RecordingOptions): void {
    this.asked.push(`record ${folder}${key === undefined ? '' : ` ${key.id}`}`);
  }

  withhold(on: boolean): void {
    this.asked.push(`withhold ${on}`);
  }

  tone(tone: Prompt | 'off'): void {
    this.asked.push(`tone ${nameOf(tone)}`);
  }

  /** Settles what is played: at once unless a test takes it in hand. */
  played: Promise<boolean> = Promise.resolve(true);

  async play(prompt: Prompt, when: PlayTime = 'now'): Promise<boolean> {
    this.asked.push(`play ${nameOf(prompt)} ${when}`);
    return this.played;
  }

  digit(digit: string): void {
    this.asked.push(`digit ${digit}`);
  }

  /** Settles `digits` and `quiet`: at once unless a test takes it in hand. */
  before: Promise<void> = Promise.resolve();

  async digits(keys: string, form: KeyForm): Promise<boolean> {
    this.asked.push(`digits ${form} ${keys}`);
    await this.before;
    return true;
  }

  async secure(on: boolean): Promise<boolean> {
    this.asked.push(`secure ${on}`);
    await this.before;
    return true;
  }

  async quiet(): Promise<void> {
    this.asked.push('quiet');
    await this.before;
  }

  join(other: Leg, how: Joining): void {
    this.asked.push(`join ${other.id} ${how}`);
  }

  async close(): Promise<LegStats> {
    this.asked.push('close');
    return noLegStats;
  }
}

/** An event sink that keeps what it got. */
export class EventList {
  readonly events: BridgeEvent[] = [];
  emit(event: BridgeEvent): void {
    this.events.push(event);
  }

  get types(): string[] {
    return this.events.map(event => event.type);
  }
}

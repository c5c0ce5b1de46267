import type { Clock, Timer } from '../core/clock.ts';
import type { Ending } from '../core/ending.ts';
import type { EventSink } from '../core/events.ts';
import type { CallKey } from '../core/ids.ts';
import { type Prompt, promptMs } from '../core/prompt.ts';
import type { Leg } from '../worker/legs.ts';
import type { CallInput } from './states.ts';
import { afterLoss, isPassing, pauseBefore, type SurvivalOptions, survivalLimits } from './survival.ts';

export interface RecoveryParts {
  readonly call: CallKey;
  readonly leg: Pick<Leg, 'tone' | 'play'>;
  readonly options: SurvivalOptions;
  /** Whether there is somebody to transfer the caller to. */
  readonly hasFallback: boolean;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly take: (input: CallInput) => void;
}

/** How long after a new conversation has begun its first words may be away, ms: then the sound of waiting ends. */
const firstWordsMs = 2_000;

type Lost = Extract<CallInput, 'lost-reconnect' | 'lost-transfer' | 'lost-hangup'>;

/**
 * What happens around a lost agent: the sounds, the tries and their deadline. The table of the call says when; which way it
 * goes is decided here, by the policy of the number and the reason of the loss.
 */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #timers = new Map<'deadline' | 'again' | 'sound' | 'part', Timer>();
  #lost: Ending | undefined;
  #lostAt = 0;
  #reconnects = 0;
  #attempts = 0;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** Why the agent is not there any more; undefined while none was lost. */
  get lost(): Ending | undefined {
    return this.#lost;
  }

  /** Since when; undefined while none was lost. */
  get lostAt(): number | undefined {
    return this.#lost === undefined ? undefined : this.#lostAt;
  }

  /** Longest time that one try of a new conversation may take, ms: the deadline has to hold two. */
  get startTimeoutMs(): number {
    return this.#parts.options.reconnectMs / 2;
  }

  /** An agent is lost that had been talking. */
  lose(end: Ending): Lost {
    const { options, hasFallback, clock, events, call } = this.#parts;
    this.#lost = end;
    this.#lostAt = clock.now();
    this.#attempts = 0;
    const way = afterLoss(end, { policy: options.policy, hasFallback, reconnects: this.#reconnects });
    events.emit({ type: 'agent-lost', call, end, way });
    return `lost-${way}`;
  }

  /** An agent is lost for good, whatever the policy: what could be tried was. */
  giveUp(end: Ending): Lost {
    const { options, hasFallback, clock, events, call } = this.#parts;
    this.#lost ??= end;
    this.#lostAt = clock.now();
    const way = options.policy !== 'hangup' && hasFallback ? 'transfer' : 'hangup';
    events.emit({ type: 'agent-lost', call, end, way });
    return `lost-${way}`;
  }

  /** A try has failed: another one comes after a pause, or none that could go better. */
  failed(end: Ending): Lost | 'agent-failed' {
    if (!isPassing(end)) return this.giveUp(end);
    this.#parts.events.emit({ type: 'agent-retry', call: this.#parts.call, end });
    return 'agent-failed';
  }

  /** The caller hears that something is going on, and the deadline runs. */
  begin(): void {
    this.#reconnects += 1;
    const { options, take } = this.#parts;
    this.#sound(options.reconnectSound);
    this.#arm('deadline', options.reconnectMs, () => take(this.giveUp(this.#lost!)));
  }

  /** The next try, after its pause. */
  again(): void {
    this.#attempts += 1;
    this.#arm('again', pauseBefore(this.#attempts + 1), () => this.#parts.take('again'));
  }

  /** No more tries: there is an agent, or it was given up. */
  stop(): void {
    for (const name of ['deadline', 'again'] as const) this.#disarm(name);
  }

  /** A new conversation has begun: its sound ends that of waiting, and if it has none to give, time does. */
  resumed(): void {
    const { events, call, clock, leg } = this.#parts;
    events.emit({ type: 'agent-resumed', call, ms: clock.now() - this.#lostAt });
    this.#lost = undefined;
    this.#arm('sound', firstWordsMs, () => leg.tone('off'));
  }

  /** The caller hears the last sound, after what the agent had still to say. */
  part(): void {
    const { leg, options, take } = this.#parts;
    this.silence();
    const over = () => {
      this.#disarm('part');
      take('parted');
    };
    this.#arm('part', survivalLimits.lastWordsMs + promptMs(options.hangupSound), over);
    void leg.play(options.hangupSound, 'after').then(() => {
      if (this.#timers.has('part')) over();
    });
  }

  silence(): void {
    this.#disarm('sound');
    this.#parts.leg.tone('off');
  }

  /** The call is over. */
  close(): void {
    for (const name of [...this.#timers.keys()]) this.#disarm(name);
  }

  /** A recorded sound is heard once, and the tone after it. */
  #sound(sound: Prompt): void {
    const { leg } = this.#parts;
    this.#disarm('sound');
    if (typeof sound !== 'string') void leg.play(sound, 'after');
    leg.tone(typeof sound === 'string' ? sound : 'reconnecting');
  }

  #arm(name: 'deadline' | 'again' | 'sound' | 'part', ms: number, fire: () => void): void {
    this.#disarm(name);
    const timer = this.#parts.clock.timer(ms, () => {
      this.#timers.delete(name);
      fire();
    });
    this.#timers.set(name, timer);
  }

  #disarm(name: 'deadline' | 'again' | 'sound' | 'part'): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }
}

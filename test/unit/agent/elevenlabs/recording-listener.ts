import type {
  AgentListener,
  AgentMetadata,
  AgentToolCall,
  QueueStatus,
  TurnNews,
} from '../../../../src/agent/agent.ts';
import type { Ending } from '../../../../src/core/ending.ts';

/** Keeps what a conversation told, and lets a test wait for more. */
export class RecordingListener implements AgentListener {
  metadata: AgentMetadata | undefined;
  readonly queued: QueueStatus[] = [];
  readonly sounds: { readonly eventId: number; readonly bytes: Buffer }[] = [];
  readonly interruptions: number[] = [];
  readonly calls: AgentToolCall[] = [];
  readonly turns: TurnNews[] = [];
  readonly endings: Ending[] = [];
  #waiters: (() => void)[] = [];

  ready(metadata: AgentMetadata): void {
    this.metadata = metadata;
    this.#changed();
  }

  queue(status: QueueStatus): void {
    this.queued.push(status);
    this.#changed();
  }

  audio(eventId: number, bytes: Buffer): void {
    this.sounds.push({ eventId, bytes });
    this.#changed();
  }

  interrupted(eventId: number): void {
    this.interruptions.push(eventId);
    this.#changed();
  }

  toolCall(call: AgentToolCall): void {
    this.calls.push(call);
    this.#changed();
  }

  turn(news: TurnNews): void {
    this.turns.push(news);
    this.#changed();
  }

  ended(end: Ending): void {
    this.endings.push(end);
    this.#changed();
  }

  get soundBytes(): number {
    return this.sounds.reduce((sum, sound) => sum + sound.bytes.length, 0);
  }

  /** Settles as soon as `check` holds. The test's own time-out bounds it. */
  async until(check: (listener: this) => boolean): Promise<void> {
    while (!check(this)) await new Promise<void>(resolve => this.#waiters.push(resolve));
  }

  #changed(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

import type { Call } from './call/controller.ts';
import type { Turn as CallTurn } from './call/transcript.ts';
import type { Config } from './config/config.ts';
import type { Clock, Timer } from './core/clock.ts';
import { ending, sentence } from './core/ending.ts';
import type { BridgeEvent, EventSink } from './core/events.ts';
import type { CallKey } from './core/ids.ts';
import type { Logger } from './core/logger.ts';
import { maskNumber, toolName } from './core/mask.ts';
import type { Recorded } from './core/recorded.ts';
import { startCheckpoints } from './store/checkpoints.ts';
import { ownDataKey } from './store/data-keys.ts';
import type { RemoveRecording } from './store/left-recordings.ts';
import type { LiveStore } from './store/live-store.ts';
import type { StoreMeters } from './store/meters.ts';
import { openStore } from './store/open.ts';
import { startReading } from './store/reading.ts';
import type { CallBegin, Turn } from './store/record.ts';
import type { Announce, CallJournal, Switches } from './store/store.ts';
import type { GateState, Gates } from './tools/gates.ts';

export interface RecordParts {
  /** What is configured now. */
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: StoreMeters;
  /** What is announced of a call that is over. */
  readonly announce: Announce;
  readonly removeRecording: RemoveRecording;
}

/** What is private is sealed with these; without any in the configuration with one of this node's own. Empty: in memory alone. */
export function dataKeysOf({ store, secrets }: Config, log: Logger): readonly Buffer[] {
  if (secrets.dataKeys.length > 0) return secrets.dataKeys;
  return store.dataDir === undefined ? [] : [ownDataKey(store.dataDir, log)];
}

/** Opens the store as it is configured. */
export function openRecords(
  config: Config,
  dataKeys: readonly Buffer[],
  parts: RecordParts,
): Promise<LiveStore> {
  const { store, secrets } = config;
  const { databaseUrl } = secrets;
  return openStore({
    ...parts,
    checkpoints: startCheckpoints,
    reading: startReading,
    dataDir: store.dataDir,
    dataKeys,
    // A database outlives the process: without a directory there is none.
    ...(databaseUrl === undefined || store.dataDir === undefined ? {} : { databaseUrl }),
    ...(store.nodeId === undefined ? {} : { nodeId: store.nodeId }),
    keepDays: () => parts.config().store.keepDays,
  });
}

/** The gates: what operators turned while the daemon runs, else what the configuration says. Nothing opens while the store is down. */
export function gatesOf(
  switches: Pick<Switches, 'read'>,
  configured: () => Pick<GateState, 'killSwitch'>,
): Gates {
  return {
    async read() {
      const turned = await switches.read();
      return {
        // Opened by its own action alone, which is written down: no configuration does it.
        allowAutonomousSends: turned.allow_autonomous_sends ?? false,
        killSwitch: turned.kill_switch ?? configured().killSwitch,
      };
    },
  };
}

/** A recording of which nothing more was heard. */
const interrupted: Recorded = {
  end: ending('recording-interrupted'),
  rate: 0,
  seconds: 0,
  bytes: 0,
  gaps: [],
  lostMs: 0,
};

/** How often what is said in calls is written down while they are up, ms. */
const transcriptEveryMs = 10_000;

/**
 * Writes calls down as they go, from the events that tell of them. A call is begun by whoever makes it, with what only
 * that one knows; `follow` adds what is read from the call itself.
 */
export class CallRecorder implements EventSink {
  readonly #journal: CallJournal;
  readonly #clock: Clock;
  readonly #calls = new Map<CallKey, Followed>();
  #timer: Timer | undefined;

  constructor(journal: CallJournal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** A call is being made. */
  begin(call: CallBegin): void {
    this.#journal.begin(call);
  }

  /** The call whose transcript and verifications belong into its record. */
  follow(call: Pick<Call, 'key' | 'transcript' | 'variables' | 'verified'>): void {
    this.#calls.set(call.key, { call, begun: this.#clock.now(), written: 0 });
    this.#arm();
  }

  emit(event: BridgeEvent): void {
    const { type } = event;
    if (type === 'agent-ready') {
      const { conversationId: id, input, output } = event;
      this.#journal.update(event.call, { conversation: { id, input, output } });
    } else if (type === 'call-answered') {
      const followed = this.#calls.get(event.call);
      if (followed !== undefined) followed.answered = this.#clock.now();
      this.#journal.update(event.call, { answered: true });
    } else if (type === 'stream-started') {
      this.#journal.update(event.call, { streamSid: event.streamSid });
    } else if (type === 'tool-run') {
      this.#tool(event);
    } else if (type === 'recording-begun') {
      // What the record says should this daemon die during the call.
      this.#journal.update(event.call, { recording: interrupted });
    } else if (type === 'recorded') {
      this.#journal.update(event.call, { recording: event.recorded });
    } else if (type === 'call-ended') {
      this.#ended(event);
    } else {
      const warning = warningOf(event);
      if (warning !== undefined) this.#journal.update(warning.call, { warning: warning.text });
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tool(event: Extract<BridgeEvent, { type: 'tool-run' }>): void {
    const { call, tool, status, isError, ms, gate } = event;
    this.#journal.tool(call, {
      tool: toolName(tool),
      at: Math.round(this.#clock.wall() - ms),
      ms: Math.round(ms),
      status,
      isError,
      arguments: event.arguments ?? {},
      ...event.facts,
      ...(gate === undefined ? {} : { gate }),
    });
    this.#verified(this.#calls.get(call));
  }

  #ended({ call, end, seconds, stats }: Extract<BridgeEvent, { type: 'call-ended' }>): void {
    const followed = this.#calls.get(call);
    if (followed !== undefined) {
      this.#write(followed);
      this.#journal.update(call, { variables: followed.call.variables });
    }
    this.#verified(followed);
    this.#calls.delete(call);
    this.#journal.finish(call, { end, seconds, stats });
  }

  #arm(): void {
    this.#timer ??= this.#clock.timer(transcriptEveryMs, () => {
      this.#timer = undefined;
      for (const followed of this.#calls.values()) {
        if (followed.call.transcript.changes !== followed.written) this.#write(followed);
        // Keyed digits are checked without a tool being run.
        this.#verified(followed);
      }
      if (this.#calls.size > 0) this.#arm();
    });
  }

  #verified(followed: Followed | undefined): void {
    const latest = followed?.call.verified.latest;
    if (followed === undefined || latest === undefined || latest.at === followed.verifiedAt) return;
    followed.verifiedAt = latest.at;
    this.#journal.update(followed.call.key, {
      verified: { ...latest, number: maskNumber(latest.number) },
    });
  }

  #write(followed: Followed): void {
    const { turns, changes } = followed.call.transcript;
    if (turns.length === 0) return;
    followed.written = changes;
    const offset = followed.answered === undefined ? 0 : followed.answered - followed.begun;
    this.#journal.update(followed.call.key, { transcript: turns.map(turn => kept(turn, offset)) });
  }
}

interface Followed {
  readonly call: Pick<Call, 'key' | 'transcript' | 'variables' | 'verified'>;
  /** Monotonic. */
  readonly begun: number;
  answered?: number;
  /** Changes of the transcript when it was written. */
  written: number;
  /** When the number was verified that is written. */
  verifiedAt?: number;
}

function kept({ role, message, original, atMs }: CallTurn, offset: number): Turn {
  const at = Math.max(0, Math.round(atMs - offset) / 1_000);
  if (message === undefined) return { role, message: '', at, withheld: true };
  if (original === undefined) return { role, message, at };
  return { role, message, at, interrupted: true, intended: original };
}

function warningOf(event: BridgeEvent): { readonly call: CallKey; readonly text: string } | undefined {
  switch (event.type) {
    case 'agent-retry':
      return { call: event.call, text: `The conversation was started again: ${sentence(event.end)}` };
    case 'agent-lost':
      return { call: event.call, text: `The agent was lost: ${sentence(event.end)}` };
    case 'transfer':
      return event.end.reason === 'transferred'
        ? undefined
        : { call: event.call, text: `A transfer failed: ${sentence(event.end)}` };
    case 'keys-ignored':
      return {
        call: event.call,
        text: 'Keys for SRTP were offered and not used: the sound went as plain RTP.',
      };
    case 'call-replaced':
      return { call: event.call, text: 'Another telephone took the call over (Replaces).' };
    default:
      return undefined;
  }
}

import type {
  AgentMetadata,
  AgentStart,
  AgentToolAnswer,
  AgentToolCall,
  QueueStatus,
  TurnNews,
} from '../agent/agent.ts';
import type { Ending } from '../core/ending.ts';
import type { Result } from '../core/errors.ts';
import type { CallKey, LegId } from '../core/ids.ts';
import type { KeyedDigits } from '../core/keyed-digits.ts';
import type { LegStats } from '../core/leg-stats.ts';
import type { Prompt } from '../core/prompt.ts';
import type { MediaPlan } from '../sdp/plan.ts';

/** How keys reach a peer: as telephone-events (RFC 4733) where it takes those, or as tones. */
export type KeyForm = 'events' | 'tones';

/** Whether keys are looked for in a peer's sound: never, where it takes no telephone-events, always. */
export type KeyTones = 'off' | 'auto' | 'on';

/** When a sound is played: before anything else, or once nothing of the agent's waits. */
export type PlayTime = 'now' | 'after';

export type Joining = 'early' | 'full' | 'off';

/** How a leg is opened. Ports are bound before SDP is written, because SDP names them. */
export type LegOptions = RtpLegOptions | StreamLegOptions;

interface AnyLegOptions {
  readonly call: CallKey;
  /** Absent: `auto`. */
  readonly tones?: KeyTones;
  /** An agent is started once its ticket has come: the connection to it is begun meanwhile. */
  readonly agentSoon?: boolean;
  /** Opens it in the worker of this leg: only legs of one worker can be joined. */
  readonly near?: LegId;
}

export interface RtpLegOptions extends AnyLegOptions {
  readonly wire: 'rtp';
  readonly family: 4 | 6;
  /** Whether plain RTP must never be sent or heard: a plan without keys is then a fault that ends the leg. */
  readonly secureOnly?: boolean;
}

/** A media stream of Twilio, which comes later, over a WebSocket. */
export interface StreamLegOptions extends AnyLegOptions {
  readonly wire: 'twilio';
}

/** Our end of the media, as SDP needs it. The address to advertise is the party's decision, not the leg's. */
export interface LocalMedia {
  readonly rtpPort: number;
  readonly rtcpPort: number;
  /** Where the worker takes media streams; only of a leg with the wire `twilio`. */
  readonly stream?: StreamDoor;
}

/** The listener of a worker for media streams: its port on loopback, and what a connection must show to be let in. */
export interface StreamDoor {
  readonly port: number;
  readonly pass: string;
  /** Number of the worker, where it also listens on an address of its own that a reverse proxy can route to. */
  readonly worker?: number;
}

/** Which stream a leg waits for. */
export interface StreamTicket {
  /** What its `start` has to carry. */
  readonly text: string;
  readonly callSid: string;
  /** For how long it is good, ms. */
  readonly forMs: number;
  /** What lets its connection in at the worker's own address; absent: it comes by the main thread. */
  readonly direct?: DirectUpgrade;
}

/** The one upgrade of a stream that a worker takes itself. */
export interface DirectUpgrade {
  /** What the path of its URL ends with. */
  readonly name: string;
  /** Every X-Twilio-Signature that is right for that URL: the token that makes them stays on the main thread. */
  readonly signatures: readonly string[];
}

/** The media stream of a leg with the wire `twilio`. */
export interface LegStream extends StreamDoor {
  /** Lets one stream with this ticket in; it is good once. */
  expect(ticket: StreamTicket): void;
  /** Settles when the stream is there and sound flows, with Twilio's id of it (MZ…). */
  readonly started: Promise<string>;
  /** Settles when the stream is over, or never will be. */
  readonly ended: Promise<Ending>;
}

/** How a call is recorded. */
export interface RecordingOptions {
  /** Folder of the file, which is named after the call. */
  readonly folder: string;
  /** Free space of the disk below which nothing is recorded, bytes. */
  readonly minFreeBytes: number;
  /** Key of 256 bits that the file is encrypted with; absent: it is a plain WAV file. */
  readonly key?: { readonly id: string; readonly secret: Uint8Array };
}

/** What a leg tells its call. Set once, right after `open`. */
export interface LegListener {
  agentReady(metadata: AgentMetadata): void;
  agentQueue(status: QueueStatus): void;
  /**
   * The conversation is over. When the agent itself has ended it, everything that it said has been played, or the cap on
   * waiting for that was reached; a failure is told at once, and what was said goes on being played.
   */
  agentEnded(end: Ending): void;
  toolCall(call: AgentToolCall): void;
  /** An entry that was keyed in secure mode has ended. Whoever gets it takes it or wipes it. */
  keyed(digits: KeyedDigits): void;
  /** Something was said in the conversation, or has become known of it. */
  turn(news: TurnNews): void;
  /** No RTP came for longer than the media timeout. */
  mediaTimeout(): void;
  /** The leg is gone although nobody closed it, or was never there: its worker died, or had no ports for it. */
  lost(end: Ending): void;
}

/** One media leg with, as a rule, an agent at its inner end. Lives in a worker; this is the handle on the main thread. */
export interface Leg {
  readonly id: LegId;
  readonly local: LocalMedia;
  readonly stream?: LegStream;
  listen(listener: LegListener): void;
  /** Says where sound goes and how; at the answer and at every re-offer. Packets flow from then on. */
  apply(plan: MediaPlan): void;
  /** The peer has said again what is in force: nothing changes, but its NAT may have moved it. */
  reapply(): void;
  /** From now on what the agent says is played, from its first sample. Before that it is held. */
  open(): void;
  /** Starts (or starts again, after `agentEnded`) a conversation. */
  agent(start: AgentStart): void;
  /** Opens the agent's socket ahead of a conversation, which then waits for `begin`: nobody is there to be greeted. */
  prepare(start: AgentStart): void;
  /** The conversation that was prepared begins. */
  begin(): void;
  /** Closes the conversation, if there is one; nothing more is heard of it. What was said goes on being played. */
  dismiss(): void;
  answerTool(answer: AgentToolAnswer): void;
  tell(text: string, how: 'turn' | 'context'): void;
  /** Plays a sound towards the caller over and over, until sound of the agent comes or it is switched off. */
  tone(tone: Prompt | 'off'): void;
  /**
   * Plays a sound once, at once or after what the agent has said; what it says then waits until the sound is through.
   * Settles then, with false when it was not played to its end: the leg was closed, or too many wait already.
   */
  play(prompt: Prompt, when?: PlayTime): Promise<boolean>;
  /** A digit that came by SIP INFO instead of RTP. */
  digit(digit: string): void;
  /**
   * Presses keys towards the peer: `0-9*#A-D`, and the pauses `w` (0.5 s) and `W` (1 s). Settles when they are through, or
   * never will be; false when too many wait already.
   */
  digits(keys: string, form: KeyForm): Promise<boolean>;
  /**
   * In secure mode keyed digits come to `LegListener.keyed` and to nobody else, and whatever sounds like a key is taken out
   * of the peer's sound before anybody gets that. An entry that is being keyed when it begins belongs to it; one that is
   * being keyed when it ends is dropped. Settles when the worker is in that mode, or not in it; false when there is none.
   */
  secure(on: boolean): Promise<boolean>;
  /** Settles when all that the agent is saying has been played, or after `longestMs`. */
  quiet(longestMs: number): Promise<void>;
  /**
   * Joins this leg with another one that was opened near it. `early`: its peer hears that of the other one, and the agent
   * goes on; `full`: both peers hear each other, and the agent leaves without a word; `off`: each is on its own again.
   */
  join(other: Leg, how: Joining): void;
  /** Records both sides from now until the leg closes, or joins another one in full. Only the first asking counts. */
  record(options: RecordingOptions): void;
  /** While `on`, both sides of the recording are silent: a code may be spoken. The secure keypad does that by itself. */
  withhold(on: boolean): void;
  /** Closes the agent with 1000, frees the ports, and returns the numbers. Idempotent. */
  close(): Promise<LegStats>;
}

/** Opens legs, each in the worker that carries the fewest. Fails with code `no-ports` or `worker-lost`. */
export interface Legs {
  open(options: LegOptions): Promise<Result<Leg>>;
  /**
   * Does not wait until it is open: what the leg is asked for is done then, and `local` is known once it has said anything.
   * Fails where no worker runs; of what fails later its listener hears as `lost`.
   */
  begin(options: LegOptions): Result<Leg>;
}

export type { LegStats };

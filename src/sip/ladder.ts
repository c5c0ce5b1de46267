import type { Clock } from '../core/clock.ts';
import type { BridgeEvent, EventSink } from '../core/events.ts';
import { LadderMask } from './ladder-mask.ts';
import type { Source } from './signalling.ts';

/** Limits of the pictures that are kept of calls. */
export const ladderLimits = {
  /** Calls whose messages are kept; beyond that the one that ended first goes, then the oldest. */
  calls: 1_000,
  /** INVITEs that became no call here, and calls of ours before they are known: the oldest goes first. */
  strays: 200,
  /** Messages of one call. The first ones stay, for they say how it began; of the rest the newest. */
  messages: 64,
  firstMessages: 24,
  /** What is kept of one message, bytes; the rest is cut off. */
  messageBytes: 4_096,
  /** All messages together, bytes. */
  totalBytes: 32 * 1_048_576,
} as const;

export type LadderLimits = { readonly [Name in keyof typeof ladderLimits]: number };

export type Direction = 'in' | 'out';

/** One message as it may be shown to a person. */
export interface LadderMessage {
  readonly direction: Direction;
  readonly transport: 'tcp' | 'tls';
  /** IP literal of our end. */
  readonly localAddress: string;
  /** IP literal and port of the peer's. */
  readonly remoteAddress: string;
  /** When it came or went, ms since the Unix epoch. */
  readonly at: number;
  /** The message, with what is secret or private in it masked. */
  readonly text: string;
}

/** The picture of one call. */
export interface CallPicture {
  readonly sipCallId: string;
  /** Our own name of the call; absent for an INVITE that never became one. */
  readonly call?: string;
  readonly conversationId?: string;
  /** Caller and called, masked. */
  readonly phoneNumbers: readonly string[];
  readonly messages: readonly LadderMessage[];
  /** Messages between the first ones and the rest that are not kept any more. */
  readonly lost: number;
}

interface Kept extends Omit<LadderMessage, 'text'> {
  text: string;
  /** As it came, until somebody looks: most pictures are never looked at, and to mask one took as long as to parse it. */
  raw: { readonly head: Buffer; readonly body: Buffer } | undefined;
  readonly bytes: number;
}

interface Ladder {
  readonly sipCallId: string;
  readonly mask: LadderMask;
  readonly messages: Kept[];
  readonly names: string[];
  /** SIP Call-IDs of dialogues that have taken over the call (RFC 3891). */
  readonly heirs: string[];
  call: string | undefined;
  conversationId: string | undefined;
  phoneNumbers: readonly string[];
  lost: number;
  bytes: number;
}

const cr = 13;
const invite = Buffer.from('INVITE ');
const usualCallId = Buffer.from('\r\nCall-ID:');

/**
 * The SIP messages of the last calls, masked and bounded. It is told of every message by the signalling and learns from
 * the events which of them make a call; what belongs to no INVITE is not kept.
 */
export class LadderStore implements EventSink {
  readonly #clock: Clock;
  readonly #limits: LadderLimits;
  /** By SIP Call-ID, in the order of their beginning. */
  readonly #strays = new Map<string, Ladder>();
  readonly #calls = new Map<string, Ladder>();
  readonly #ended = new Set<Ladder>();
  /** By every name that a call is known under: ours, the caller's, the conversation's. */
  readonly #names = new Map<string, Ladder>();
  #bytes = 0;

  constructor(clock: Clock, limits: Partial<LadderLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...ladderLimits, ...limits };
  }

  /** What is held: pictures and bytes. */
  get load(): { readonly calls: number; readonly strays: number; readonly bytes: number } {
    return { calls: this.#calls.size, strays: this.#strays.size, bytes: this.#bytes };
  }

  /** Given to the signalling: one message that came or went. The buffers are not kept. */
  readonly tap = (direction: Direction, source: Source, head: Buffer, body?: Buffer): void => {
    const sipCallId = callIdOf(head);
    if (sipCallId === undefined) return;
    const ladder = this.#calls.get(sipCallId) ?? this.#strays.get(sipCallId) ?? this.#begin(sipCallId, head);
    if (ladder === undefined) return;
    const end = body === undefined ? endOfHead(head) : head.length;
    const most = this.#limits.messageBytes;
    const raw = {
      head: Buffer.from(head.subarray(0, Math.min(end, most))),
      body: Buffer.from((body ?? head.subarray(end)).subarray(0, Math.max(0, most - end))),
    };
    const message: Kept = {
      direction,
      transport: source.transport,
      localAddress: source.localAddress,
      remoteAddress: `${source.address.includes(':') ? `[${source.address}]` : source.address}:${source.port}`,
      at: this.#clock.wall(),
      text: '',
      raw,
      bytes: raw.head.length + raw.body.length,
    };
    this.#add(ladder, message);
  };

  /** Which call it is that the messages belong to. */
  emit(event: BridgeEvent): void {
    if (event.type === 'call-arrived') {
      this.#call(event);
      this.#name(event.call, event.callId);
    } else if (event.type === 'call-placed') {
      this.#call(event);
    } else if (event.type === 'call-replaced') {
      this.#inherit(event);
    } else if (event.type === 'agent-ready') {
      const ladder = this.#name(event.call, event.conversationId);
      if (ladder !== undefined) ladder.conversationId = event.conversationId;
    } else if (event.type === 'call-ended') {
      const ladder = this.#names.get(event.call);
      if (ladder !== undefined) this.#ended.add(ladder);
    }
  }

  /** The picture of a call by its conversation, our or the caller's name of it, or its SIP Call-ID. */
  find(name: string): CallPicture | undefined {
    const ladder = this.#names.get(name) ?? this.#calls.get(name) ?? this.#strays.get(name);
    if (ladder === undefined) return undefined;
    for (const message of ladder.messages) unveil(ladder, message);
    return {
      sipCallId: ladder.sipCallId,
      ...(ladder.call === undefined ? {} : { call: ladder.call }),
      ...(ladder.conversationId === undefined ? {} : { conversationId: ladder.conversationId }),
      phoneNumbers: ladder.phoneNumbers,
      messages: ladder.messages.map(({ raw: _raw, bytes: _bytes, ...shown }) => shown),
      lost: ladder.lost,
    };
  }

  /** Only an INVITE begins a picture. */
  #begin(sipCallId: string, head: Buffer): Ladder | undefined {
    if (head.compare(invite, 0, invite.length, 0, invite.length) !== 0) return undefined;
    const ladder = newLadder(sipCallId);
    this.#strays.set(sipCallId, ladder);
    const oldest =
      this.#strays.size > this.#limits.strays ? firstBut(ladder, this.#strays.values()) : undefined;
    if (oldest !== undefined) this.#forget(oldest);
    return ladder;
  }

  /** A call of ours has no message yet; one that came in has its INVITE. */
  #call({
    call,
    sipCallId,
    caller,
    called,
  }: Extract<BridgeEvent, { type: 'call-arrived' | 'call-placed' }>): void {
    const ladder = this.#strays.get(sipCallId) ?? newLadder(sipCallId);
    this.#strays.delete(sipCallId);
    this.#calls.set(sipCallId, ladder);
    ladder.call = call;
    ladder.phoneNumbers = [caller, called];
    ladder.names.push(call);
    this.#names.set(call, ladder);
    this.#shrink(ladder);
  }

  /** Messages of the dialogue that has taken over a call belong into its picture. */
  #inherit({ call, sipCallId }: Extract<BridgeEvent, { type: 'call-replaced' }>): void {
    const ladder = this.#names.get(call);
    const stray = this.#strays.get(sipCallId);
    if (ladder === undefined || stray === undefined) return;
    this.#forget(stray);
    ladder.heirs.push(sipCallId);
    this.#calls.set(sipCallId, ladder);
    for (const message of stray.messages) this.#add(ladder, message);
    ladder.messages.sort((a, b) => a.at - b.at);
  }

  #add(ladder: Ladder, message: Kept): void {
    const { messages } = ladder;
    messages.push(message);
    ladder.bytes += message.bytes;
    this.#bytes += message.bytes;
    if (messages.length > this.#limits.messages) {
      const [gone] = messages.splice(this.#limits.firstMessages, 1);
      ladder.lost++;
      ladder.bytes -= gone?.bytes ?? 0;
      this.#bytes -= gone?.bytes ?? 0;
    }
    this.#shrink(ladder);
  }

  /** Forgets what is least missed until everything fits; `current` is just being written. */
  #shrink(current: Ladder): void {
    const { calls, totalBytes } = this.#limits;
    while (this.#calls.size > calls || this.#bytes > totalBytes) {
      const spare = this.#calls.size > calls ? [] : this.#strays.values();
      const gone =
        firstBut(current, this.#ended) ?? firstBut(current, spare) ?? firstBut(current, this.#calls.values());
      if (gone === undefined) return;
      this.#forget(gone);
    }
  }

  #forget(ladder: Ladder): void {
    this.#strays.delete(ladder.sipCallId);
    for (const sipCallId of [ladder.sipCallId, ...ladder.heirs]) this.#calls.delete(sipCallId);
    this.#ended.delete(ladder);
    for (const name of ladder.names) if (this.#names.get(name) === ladder) this.#names.delete(name);
    this.#bytes -= ladder.bytes;
  }

  /** Gives a call one more name. */
  #name(call: string, name: string): Ladder | undefined {
    const ladder = this.#names.get(call);
    if (ladder === undefined) return undefined;
    ladder.names.push(name);
    this.#names.set(name, ladder);
    return ladder;
  }
}

function newLadder(sipCallId: string): Ladder {
  return {
    sipCallId,
    mask: new LadderMask(),
    messages: [],
    names: [],
    heirs: [],
    call: undefined,
    conversationId: undefined,
    phoneNumbers: [],
    lost: 0,
    bytes: 0,
  };
}

function firstBut(current: Ladder, ladders: Iterable<Ladder>): Ladder | undefined {
  for (const ladder of ladders) if (ladder !== current) return ladder;
  return undefined;
}

/** Masks a message that was kept as it came. The first one of a call comes first: it has the numbers that all others hide. */
function unveil(ladder: Ladder, message: Kept): void {
  const { raw } = message;
  if (raw === undefined) return;
  message.text = ladder.mask.mask(raw.head.toString('utf8'), raw.body.toString('utf8'));
  message.raw = undefined;
}

/** Where the header section ends, its empty line included. */
function endOfHead(message: Buffer): number {
  const at = message.indexOf('\r\n\r\n');
  return at < 0 ? message.length : at + 4;
}

/** Value of the first Call-ID in a message; found without reading the other header fields where it is spelled as usual. */
function callIdOf(head: Buffer): string | undefined {
  const usual = head.indexOf(usualCallId);
  if (usual >= 0) return lineAt(head, usual + usualCallId.length);
  for (let at = head.indexOf('\r\n'); at >= 0; at = head.indexOf('\r\n', at + 2)) {
    const colon = head.indexOf(':', at);
    if (colon < 0 || head[at + 2] === cr) return undefined;
    if (colon - at > 16) continue;
    const name = head
      .toString('latin1', at + 2, colon)
      .trim()
      .toLowerCase();
    if (name === 'call-id' || name === 'i') return lineAt(head, colon + 1);
  }
  return undefined;
}

function lineAt(head: Buffer, from: number): string | undefined {
  const end = head.indexOf('\r\n', from);
  return end < 0 ? undefined : head.toString('utf8', from, Math.min(end, from + 256)).trim();
}

import { type Compiled, compiled } from './compiled.ts';
import { CompiledProcess } from './compiled-process.ts';
import type { Summary } from './distribution.ts';
import { driftOf, pieceMs as driftPieceMs, leastPieces, mostPieces } from './drift.ts';
import { type Ear, earFor } from './ear.ts';
import type { Made } from './made.ts';
import { Marks, paceOf } from './marks.ts';
import type { Mark } from './messages.ts';
import { callerPayloads, frameMs, isListenedTo, type Profile, payloadBytes } from './profile.ts';
import { unitsPerMs, wordEvery, wordFrames } from './stream.ts';
import type { SoundReport, TelephoneSet } from './telephone-set.ts';
import { slots, streamsPerSocket } from './telephones.ts';

const sources = [
  ...['main', 'answer', 'stream', 'tally', 'wire'].map(name => `telephones/${name}.c`),
  'telephones/telephones.h',
  'measures.c',
  'measures.h',
];
/** What both have to agree on is said once, here in TypeScript. */
const constants = {
  FRAME_MS: frameMs,
  SLOTS: slots,
  PAYLOAD_BYTES: payloadBytes,
  UNITS_PER_MS: unitsPerMs,
  WORD_EVERY: wordEvery,
  WORD_FRAMES: wordFrames,
  PIECE_MS: driftPieceMs,
  MOST_PIECES: mostPieces,
  LEAST_PIECES: leastPieces,
};
/** So long does the program live at most, whatever becomes of us: longer than the longest window, in s. */
const longestSeconds = 2 * 86_400;
const openMs = 10_000;
const reportMs = 15_000;

/** What its sources are compiled with. */
export const telephoneFlags: readonly string[] = Object.entries(constants).map(
  ([name, value]) => `-D${name}=${value}`,
);

/** The program, or why there is none. More flags are for tests. */
export const telephoneProgram = (flags: readonly string[] = []): Compiled =>
  compiled('telephones', sources, { flags: [...telephoneFlags, ...flags] });

interface OpenAnswer {
  readonly type: 'open';
  readonly ports: readonly number[];
}

/** A packet of a stream whose codec the program does not know. */
interface HeardAnswer {
  readonly type: 'heard';
  readonly call: number;
  readonly at: number;
  readonly sound: string;
}

interface ReportAnswer {
  readonly type: 'report';
  readonly ms: number;
  /** Of those that were there for the whole window: packets, and drift in parts of a million. */
  readonly streams: readonly (readonly [received: number, ppm: number | null])[];
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly disordered: number;
  readonly gaps: number;
  readonly lateness: Summary;
  readonly interval: Summary;
  readonly own: Summary;
  readonly speech: readonly Mark[];
  readonly silence: readonly Mark[];
  readonly word: readonly Mark[];
}

export interface CompiledTelephonesOptions {
  readonly path: string;
  readonly profile: Profile;
  readonly streams: number;
  /** Told when the program ends before it is closed. */
  readonly onLost: (error: Error) => void;
}

/** The sound of all telephones, in a program of its own (telephones/main.c). It knows nothing of SRTP; G.722 is heard here. */
export class CompiledTelephones implements TelephoneSet {
  readonly #program: CompiledProcess<OpenAnswer | HeardAnswer | ReportAnswer>;
  readonly #profile: Profile;
  readonly #sockets: number;
  /** Of streams that the program only tells of. */
  readonly #ears = new Map<number, { readonly ear: Ear; loud: boolean }>();
  readonly #speech = new Marks();
  readonly #silence = new Marks();
  #ports: readonly number[] = [];

  static async open(options: CompiledTelephonesOptions): Promise<CompiledTelephones> {
    const telephones = new CompiledTelephones(options);
    telephones.#ports = (await telephones.#program.hear('open', openMs)).ports;
    return telephones;
  }

  private constructor({ path, profile, streams, onLost }: CompiledTelephonesOptions) {
    this.#profile = profile;
    this.#sockets = socketsFor(streams);
    this.#program = new CompiledProcess({
      name: 'telephones',
      path,
      args: argumentsFor(profile, this.#sockets),
      onNews: news => news.type === 'heard' && this.#hear(news),
      onLost,
    });
  }

  get made(): Made {
    return this.#program.made;
  }

  portFor(call: number): number {
    return this.#ports[socketOf(call, this.#sockets)]!;
  }

  add(call: number, port: number): void {
    const told = isToldOf(this.#profile) && isListenedTo(this.#profile, call);
    if (told) this.#ears.set(call, { ear: earFor(this.#profile.codec), loud: false });
    this.#program.tell(`add ${call} ${socketOf(call, this.#sockets)} ${port}${told ? ' told' : ''}`);
  }

  remove(call: number): void {
    this.#ears.delete(call);
    this.#program.tell(`remove ${call}`);
  }

  mark(): void {
    this.#program.tell('mark');
  }

  async report(): Promise<SoundReport> {
    const report = soundReportOf(await this.#program.ask('report', 'report', reportMs));
    if (!isToldOf(this.#profile)) return report;
    const marks = { ...report.marks, speech: this.#speech.list, silence: this.#silence.list };
    return { ...report, marks };
  }

  close(): Promise<void> {
    return this.#program.close();
  }

  #hear({ call, at, sound }: HeardAnswer): void {
    const listener = this.#ears.get(call);
    if (listener === undefined) return;
    const bytes = Buffer.from(sound, 'hex');
    const loud = listener.ear(bytes, 0, bytes.length);
    if (loud !== listener.loud) (loud ? this.#speech : this.#silence).add(call, at);
    listener.loud = loud;
  }
}

/** As many streams to a socket as in Node, in whole slots: what is due at once then leaves by as few sockets as can be. */
function socketsFor(streams: number): number {
  const few = Math.ceil(streams / streamsPerSocket);
  return few <= slots ? Math.max(1, few) : slots * Math.ceil(few / slots);
}

function socketOf(call: number, sockets: number): number {
  const slot = call % slots;
  if (sockets <= slots) return Math.floor((slot * sockets) / slots);
  const each = sockets / slots;
  return slot * each + (Math.floor(call / slots) % each);
}

/** G.722 has a decoder here, and each of its bytes means nothing alone. */
const isToldOf = ({ codec }: Profile): boolean => codec === 'G722';

function argumentsFor(profile: Profile, sockets: number): string[] {
  const { hum, word } = callerPayloads(profile);
  const ear = earFor(profile.codec);
  const loud = Array.from({ length: 256 }, (_, byte) =>
    !isToldOf(profile) && ear(Buffer.from([byte]), 0, 1) ? '1' : '0',
  );
  const numbers = [sockets, profile.payloadType, longestSeconds].map(String);
  return [...numbers, hum.toString('hex'), word.toString('hex'), loud.join('')];
}

function soundReportOf(answer: ReportAnswer): SoundReport {
  const { ms, streams, speech, silence, word } = answer;
  return {
    seconds: ms / 1000,
    packetsSent: answer.sent,
    packetsReceived: answer.received,
    lost: answer.lost,
    disordered: answer.disordered,
    dead: streams.filter(([received]) => received === 0).length,
    pace: paceOf(streams.map(([received]) => (received * frameMs) / ms)),
    drift: driftOf(streams.map(([, ppm]) => ({ ppm: ppm ?? undefined }))),
    lateness: answer.lateness,
    interval: answer.interval,
    gaps: answer.gaps,
    unopened: 0,
    own: answer.own,
    marks: { speech, silence, word },
  };
}

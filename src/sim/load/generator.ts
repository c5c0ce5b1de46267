import { Distribution } from './distribution.ts';
import { driftOf } from './drift.ts';
import { Marks, paceOf } from './marks.ts';
import type { GeneratorReport, ToGenerator } from './messages.ts';
import { monotonic } from './monotonic.ts';
import { frameMs, profiles } from './profile.ts';
import { freshMaster, Seal } from './seal.ts';
import { SipLine } from './sip-line.ts';
import { Telephones } from './telephones.ts';

type CallOrder = Extract<ToGenerator, { type: 'call' }>;
type StreamOrder = Extract<ToGenerator, { type: 'stream' }>;

/** How long an INVITE may take, ms. */
const patienceMs = 15_000;
/** Different failures that are told. */
const toldFailures = 20;

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));

/** All telephones of a run: sets calls up at a steady rate, keeps them talking, hangs them up. */
export class Generator {
  readonly #telephones: Telephones;
  readonly #lines: SipLine[];
  readonly #setup = new Distribution();
  readonly #answeredMarks = new Marks();
  readonly #failures: string[] = [];
  readonly #up = new Set<number>();
  #answered = 0;
  #refused = 0;
  #dropped = 0;
  #next = 0;
  #markedAt = 0;
  #turnover: NodeJS.Timeout | undefined;

  private constructor(telephones: Telephones, lines: SipLine[]) {
    this.#telephones = telephones;
    this.#lines = lines;
    for (const line of lines) {
      line.onBye = call => {
        this.#dropped++;
        this.#gone(call);
      };
    }
  }

  /** Settles when every call was answered or refused. */
  static async call(order: CallOrder): Promise<Generator> {
    const telephones = await Telephones.open(profiles[order.profile], order.calls);
    const lines: SipLine[] = [];
    for (let i = 0; i < order.connections; i++) lines.push(await SipLine.connect(order.port));
    const generator = new Generator(telephones, lines);
    generator.#next = order.firstCall ?? 0;
    const begun = monotonic();
    const calls: Promise<void>[] = [];
    for (let i = 0; i < order.calls; i++) {
      const due = begun + (i * 1000) / order.perSecond - monotonic();
      if (due > 0) await pause(due);
      calls.push(generator.#invite(order));
    }
    await Promise.all(calls);
    if (order.holdMs !== undefined) generator.#turnOver(order, order.holdMs);
    return generator;
  }

  /** Telephones without signalling. */
  static async stream({ profile, ports }: StreamOrder): Promise<Generator> {
    const telephones = await Telephones.open(profiles[profile], ports.length);
    const generator = new Generator(telephones, []);
    for (const [call, port] of ports.entries()) {
      telephones.add(call, port);
      generator.#up.add(call);
    }
    generator.#answered = ports.length;
    return generator;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Calls that were not answered, one word each; not more than the first few. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  mark(): void {
    this.#markedAt = monotonic();
    this.#telephones.mark();
  }

  report(): GeneratorReport {
    const ms = monotonic() - this.#markedAt;
    const { tally, wheel } = this.#telephones;
    const whole = this.#telephones.streams().filter(stream => stream.sinceMark);
    tally.measuring = false;
    return {
      seconds: ms / 1000,
      packetsSent: tally.sent,
      packetsReceived: tally.received,
      lost: tally.lost,
      disordered: tally.disordered,
      dead: whole.filter(stream => stream.received === 0).length,
      pace: paceOf(whole.map(stream => (stream.received * frameMs) / ms)),
      drift: driftOf(whole.map(({ drift }) => drift)),
      lateness: tally.lateness.summary(),
      interval: tally.interval.summary(),
      gaps: tally.gaps,
      unopened: tally.unopened,
      own: wheel.lateness.summary(),
      setup: this.#setup.summary(),
      answered: this.#answered,
      failed: this.#failures,
      refused: this.#refused,
      dropped: this.#dropped,
      marks: {
        answered: this.#answeredMarks.list,
        speech: tally.speech.list,
        silence: tally.silence.list,
        word: tally.word.list,
      },
    };
  }

  /** Ends all calls; settles when the far end has agreed, or has had its time. */
  async hangUp(): Promise<void> {
    clearInterval(this.#turnover);
    const goodbyes = [...this.#up].map(call => this.#hangUp(call));
    await Promise.race([Promise.all(goodbyes), pause(patienceMs)]);
    for (const line of this.#lines) line.close();
    this.#telephones.close();
  }

  async #invite({ profile, srtp }: CallOrder): Promise<void> {
    const call = this.#next++;
    const line = this.#lineOf(call);
    const begun = monotonic();
    const own = srtp ? freshMaster() : undefined;
    const invitation = { call, profile: profiles[profile], rtpPort: this.#telephones.portFor(call) };
    const answer = await Promise.race([
      line.invite(own === undefined ? invitation : { ...invitation, master: own }),
      pause(patienceMs),
    ]);
    if (answer === undefined || answer.status !== 200)
      return this.#fail(String(answer?.status ?? 'no answer'));
    if (own !== undefined && answer.master === undefined) return this.#fail('200 without a key');
    const now = monotonic();
    this.#setup.record(now - begun);
    this.#answeredMarks.add(call, now);
    this.#answered++;
    this.#up.add(call);
    const seals =
      own === undefined || answer.master === undefined
        ? undefined
        : { send: new Seal(own), receive: new Seal(answer.master) };
    this.#telephones.add(call, answer.rtpPort, seals);
  }

  #fail(why: string): void {
    this.#refused++;
    if (this.#failures.length < toldFailures) this.#failures.push(why);
  }

  /** Replaces the oldest call at a steady rate, so that each lives for about `holdMs`. */
  #turnOver(order: CallOrder, holdMs: number): void {
    this.#turnover = setInterval(() => {
      const [oldest] = this.#up;
      if (oldest === undefined) return;
      void this.#hangUp(oldest).then(() => this.#invite(order));
    }, holdMs / order.calls);
  }

  async #hangUp(call: number): Promise<void> {
    this.#gone(call);
    await this.#lineOf(call)?.bye(call);
  }

  #gone(call: number): void {
    this.#up.delete(call);
    this.#telephones.remove(call);
  }

  #lineOf(call: number): SipLine {
    return this.#lines[call % this.#lines.length]!;
  }
}

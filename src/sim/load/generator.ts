import { CompiledTelephones, telephoneProgram } from './compiled-telephones.ts';
import { Distribution } from './distribution.ts';
import type { Made } from './made.ts';
import { Marks } from './marks.ts';
import type { GeneratorReport, ToGenerator } from './messages.ts';
import { monotonic } from './monotonic.ts';
import { profiles } from './profile.ts';
import { freshMaster, Seal } from './seal.ts';
import { SipLine } from './sip-line.ts';
import type { TelephoneSet } from './telephone-set.ts';
import { Telephones } from './telephones.ts';

type CallOrder = Extract<ToGenerator, { type: 'call' }>;
type StreamOrder = Extract<ToGenerator, { type: 'stream' }>;

/** How long an INVITE may take, ms. */
const patienceMs = 15_000;
/** Different failures that are told. */
const toldFailures = 20;

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));

/** Compiled where that can be, and where it can do what is asked. */
async function openTelephones(
  { profile: name, srtp, nodeTelephones }: Pick<CallOrder, 'profile' | 'srtp' | 'nodeTelephones'>,
  streams: number,
): Promise<TelephoneSet> {
  const profile = profiles[name];
  const inNode = (why: string) => Telephones.open(profile, streams, why);
  if (srtp) return inNode('SRTP');
  if (nodeTelephones) return inNode('as those it is compared with');
  const program = telephoneProgram();
  if ('why' in program) return inNode(program.why);
  const onLost = (error: Error) => {
    // Without sound nothing is measured: this process ends, and says why.
    throw error;
  };
  return CompiledTelephones.open({ path: program.path, profile, streams, onLost });
}

/** All telephones of a run: sets calls up at a steady rate, keeps them talking, hangs them up. */
export class Generator {
  readonly #telephones: TelephoneSet;
  readonly #lines: SipLine[];
  readonly #setup = new Distribution();
  readonly #answeredMarks = new Marks();
  readonly #failures: string[] = [];
  readonly #up = new Set<number>();
  #answered = 0;
  #refused = 0;
  #dropped = 0;
  #next = 0;
  #turnover: NodeJS.Timeout | undefined;

  private constructor(telephones: TelephoneSet, lines: SipLine[]) {
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
    const telephones = await openTelephones(order, order.calls);
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
  static async stream(order: StreamOrder): Promise<Generator> {
    const { ports } = order;
    const telephones = await openTelephones(order, ports.length);
    const generator = new Generator(telephones, []);
    for (const [call, port] of ports.entries()) {
      telephones.add(call, port);
      generator.#up.add(call);
    }
    generator.#answered = ports.length;
    return generator;
  }

  get made(): Made {
    return this.#telephones.made;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Calls that were not answered, one word each; not more than the first few. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  mark(): void {
    this.#telephones.mark();
  }

  async report(): Promise<GeneratorReport> {
    const { marks, ...sound } = await this.#telephones.report();
    return {
      ...sound,
      setup: this.#setup.summary(),
      answered: this.#answered,
      failed: this.#failures,
      refused: this.#refused,
      dropped: this.#dropped,
      marks: { answered: this.#answeredMarks.list, ...marks },
    };
  }

  /** Ends all calls; settles when the far end has agreed, or has had its time. */
  async hangUp(): Promise<void> {
    clearInterval(this.#turnover);
    const goodbyes = [...this.#up].map(call => this.#hangUp(call));
    await Promise.race([Promise.all(goodbyes), pause(patienceMs)]);
    for (const line of this.#lines) line.close();
    await this.#telephones.close();
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

import type { SimCallback } from './callbacks.ts';
import type { SimTwilioCall } from './calls.ts';
import type { SimTwilio } from './server.ts';
import { signatureOf } from './signature.ts';
import { SimStream, type SimStreamOptions } from './stream-socket.ts';
import { type SimVerb, verbsOf } from './twiml.ts';

export interface SimStreamCallOptions {
  readonly from: string;
  readonly to: string;
  /** Voice URL of the number that is called: as configured at Twilio, so below PUBLIC_URL. */
  readonly voiceUrl: string;
  /** More fields of the voice webhook. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The call, where it was made over REST; else one comes in. */
  readonly call?: SimTwilioCall;
  /** What is keyed at each `<Gather>`, in turn; nothing once that is over. */
  readonly keys?: readonly string[];
  /** What becomes of a `<Dial>`; `completed` unless given. */
  readonly dialled?: 'completed' | 'busy' | 'no-answer' | 'failed';
  readonly stream?: Partial<Pick<SimStreamOptions, 'deaf' | 'onMessage' | 'parameters'>>;
  /** Changes what the upgrade is signed with; undefined: it is not signed. */
  readonly sign?: (signature: string) => string | undefined;
}

/** Verbs of one call at most: TwiML that goes round in circles is no test. */
const mostVerbs = 20;

/**
 * A call to a number of the account, whose voice webhook is the bridge: Twilio asks for TwiML, does what that says, and asks
 * on, until there is nothing left to do.
 */
export class SimStreamCall {
  readonly sid: string;
  /** The verbs that were carried out, oldest first. */
  readonly verbs: SimVerb[] = [];
  /** Settles with the stream that the first `<Connect>` opened, or with what was done in its place. */
  readonly connected: Promise<SimStream | undefined>;
  /** Settles when the call is over, with the last verb's name. */
  readonly ended: Promise<string>;
  stream: SimStream | undefined;
  readonly #sim: SimTwilio;
  readonly #call: SimTwilioCall;
  readonly #options: SimStreamCallOptions;
  #found: (stream: SimStream | undefined) => void = () => undefined;
  #hungUp = false;
  #gathered = 0;

  private constructor(sim: SimTwilio, options: SimStreamCallOptions) {
    this.#sim = sim;
    this.#options = options;
    const { from, to } = options;
    this.#call = options.call ?? sim.calls.add({ from, to, status: 'ringing' });
    this.sid = this.#call.sid;
    this.connected = new Promise(resolve => {
      this.#found = resolve;
    });
    this.ended = this.#run().finally(() => this.#found(undefined));
  }

  static dial(sim: SimTwilio, options: SimStreamCallOptions): SimStreamCall {
    return new SimStreamCall(sim, options);
  }

  /** The caller hangs up. */
  hangUp(): void {
    this.#hungUp = true;
    this.stream?.stop();
  }

  /** Asks the voice webhook once more, as Twilio does when it did not get the answer. */
  askAgain(): Promise<SimCallback> {
    return this.#ask(this.#options.voiceUrl, this.#options.fields);
  }

  async #run(): Promise<string> {
    const stopped = this.#sim.calls.onUpdate(call => {
      if (call.sid === this.sid && call.status === 'completed') this.stream?.stop();
    });
    try {
      return await this.#carryOut();
    } finally {
      stopped();
      if (this.#call.status !== 'completed') await this.#sim.calls.move(this.sid, 'completed');
    }
  }

  async #carryOut(): Promise<string> {
    let twiml = await this.#ask(this.#options.voiceUrl, this.#options.fields);
    let last = 'nothing';
    let left = verbsOf(twiml.body);
    for (let done = 0; done < mostVerbs; done++) {
      const [verb, ...rest] = left;
      if (verb === undefined) return twiml.status === 200 ? last : `http-${twiml.status}`;
      this.verbs.push(verb);
      last = verb.name;
      const next = await this.#perform(verb);
      if (this.#isOver || last === 'Hangup' || last === 'Reject') return last;
      // Without an answer to go on with, it is the turn of the next verb.
      left = next === undefined ? rest : verbsOf(next.body);
      twiml = next ?? twiml;
    }
    return last;
  }

  get #isOver(): boolean {
    return this.#hungUp || this.#call.status === 'completed';
  }

  /** Does what a verb says; what comes next, when it says where to ask. */
  async #perform(verb: SimVerb): Promise<SimCallback | undefined> {
    const { action } = verb.attributes;
    if (verb.name === 'Connect') {
      await this.#connect(verb);
      return action === undefined ? undefined : this.#ask(action);
    }
    if (verb.name === 'Dial') {
      const status = this.#options.dialled ?? 'completed';
      return action === undefined ? undefined : this.#ask(action, { DialCallStatus: status });
    }
    if (verb.name === 'Redirect') return this.#ask(verb.text);
    if (verb.name === 'Gather') {
      const Digits = this.#options.keys?.[this.#gathered++] ?? '';
      return Digits === '' || action === undefined ? undefined : this.#ask(action, { Digits });
    }
    return undefined;
  }

  async #connect(verb: SimVerb): Promise<void> {
    const [noun] = verb.inner;
    if (noun?.name !== 'Stream') return;
    await this.#sim.calls.move(this.sid, 'in-progress');
    const { url = '', statusCallback } = noun.attributes;
    const sign = this.#options.sign ?? (given => given);
    const stream = new SimStream({
      url: this.#sim.callbacks.target(url) ?? url,
      signature: sign(signatureOf(this.#sim.authToken, url)),
      accountSid: this.#sim.accountSid,
      callSid: this.sid,
      parameters: Object.fromEntries(
        noun.inner.map(({ attributes }) => [attributes['name'] ?? '', attributes['value'] ?? '']),
      ),
      ...this.#options.stream,
    });
    this.stream = stream;
    const opened = await stream.opened;
    this.#found(stream);
    if (statusCallback !== undefined)
      this.#tell(statusCallback, stream, opened === 'open' ? 'started' : 'error');
    await stream.closed;
    if (statusCallback !== undefined && opened === 'open') this.#tell(statusCallback, stream, 'stopped');
  }

  #tell(url: string, { streamSid }: SimStream, event: 'started' | 'stopped' | 'error'): void {
    void this.#sim.callbacks.post(url, {
      AccountSid: this.#sim.accountSid,
      CallSid: this.sid,
      StreamSid: streamSid,
      StreamName: streamSid,
      StreamEvent: `stream-${event}`,
      ...(event === 'error' ? { StreamError: '31920' } : {}),
      Timestamp: new Date().toISOString(),
    });
  }

  #ask(url: string, more: Readonly<Record<string, string>> = {}): Promise<SimCallback> {
    const status = this.#hungUp ? { CallStatus: 'completed' } : {};
    return this.#sim.callbacks.post(url, { ...this.#sim.calls.fields(this.#call), ...status, ...more });
  }
}

import { newSid } from './resource.ts';
import { signatureOf } from './signature.ts';

export interface SimCallbackOptions {
  readonly authToken: () => string;
}

/** One request of the stand-in to the bridge, and what came back. */
export interface SimCallback {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  /** HTTP status of the answer; 0 when there was none. */
  readonly status: number;
  /** Body of the answer: TwiML as a rule. */
  readonly body: string;
}

/** How long an answer is waited for, ms; Twilio's ceiling for voice. */
const patienceMs = 15_000;
/** Longest answer that is read, bytes. */
const maxAnswer = 64 * 1024;
/** How many callbacks are remembered. */
const maxKept = 1000;

/**
 * Posts forms to the bridge as Twilio does: signed over the URL that was configured. Only loopback is ever connected to;
 * a public URL is reached where `reach` was told which address on loopback serves it.
 */
export class SimCallbacks {
  /** Every request that was made, oldest first. */
  readonly sent: SimCallback[] = [];
  readonly #options: SimCallbackOptions;
  readonly #reach: (readonly [prefix: string, base: string])[] = [];

  constructor(options: SimCallbackOptions) {
    this.#options = options;
  }

  /** From now on URLs that begin with `prefix` are served by `base` on loopback; they are signed as they were. */
  reach(prefix: string, base: string): void {
    this.#reach.unshift([prefix.replace(/\/+$/, ''), base.replace(/\/+$/, '')]);
  }

  /** Posts `fields`; a name may have several values. Never rejects. */
  async post(
    url: string,
    fields: Readonly<Record<string, string | readonly string[]>>,
  ): Promise<SimCallback> {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) {
      for (const each of typeof value === 'string' ? [value] : value) form.append(name, each);
    }
    // The part behind # tells Twilio how to connect; it is neither sent nor signed.
    const signed = url.replace(/#.*$/, '');
    const { status, body } = await this.#post(signed, form);
    const callback = { url, fields: Object.fromEntries(form), status, body };
    this.sent.push(callback);
    if (this.sent.length > maxKept) this.sent.shift();
    return callback;
  }

  async #post(url: string, form: URLSearchParams): Promise<Pick<SimCallback, 'status' | 'body'>> {
    const target = this.target(url);
    if (target === undefined) return { status: 0, body: '' };
    try {
      const answer = await fetch(target, {
        method: 'POST',
        body: form,
        redirect: 'manual',
        signal: AbortSignal.timeout(patienceMs),
        headers: {
          'X-Twilio-Signature': signatureOf(this.#options.authToken(), url, form),
          'I-Twilio-Idempotency-Token': newSid(''),
          'User-Agent': 'TwilioProxy/1.1',
        },
      });
      const body = Buffer.from(await answer.arrayBuffer()).subarray(0, maxAnswer);
      return { status: answer.status, body: body.toString('utf8') };
    } catch {
      return { status: 0, body: '' };
    }
  }

  /** Where a URL is really reached; undefined where it is not on loopback. Streams are reached where the rest is. */
  target(url: string): string | undefined {
    for (const [prefix, base] of this.#reach.flatMap(pair => [
      pair,
      pair.map(asStream) as [string, string],
    ])) {
      const rest = url.startsWith(prefix) ? url.slice(prefix.length) : undefined;
      if (rest !== undefined && /^($|[/?])/.test(rest)) return `${base}${rest}`;
    }
    const host = URL.canParse(url) ? new URL(url).hostname : '';
    return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host) ? url : undefined;
  }
}

const asStream = (url: string) => url.replace(/^http/, 'ws');

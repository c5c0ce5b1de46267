import type { ChallengeAnswer, HeaderField, OutboundOptions } from '../signalling.ts';
import type { SipResponse } from './message/message.ts';

/** Most challenges of one response that are looked at. */
const challengesRead = 4;
/** Most answers to one who asks: one, and one more when only the nonce was old. */
const answersToChallenges = 2;

/** Who asks for credentials: the server itself, or a proxy on the way to it. */
type Asked = 401 | 407;

/**
 * The credentials of one request and its repetitions: what they answer, and how often (RFC 3261 section 22.3). A proxy and the
 * server behind it may each want their own.
 */
export class Challenges {
  readonly #authorize: OutboundOptions['authorize'];
  readonly #given = new Map<Asked, { readonly field: HeaderField; readonly answers: number }>();

  constructor(authorize: OutboundOptions['authorize']) {
    this.#authorize = authorize;
  }

  /** What the next repetition carries. */
  get fields(): readonly HeaderField[] {
    return [...this.#given.values()].map(({ field }) => field);
  }

  /** What was sent last had credentials. */
  get signed(): boolean {
    return this.#given.size > 0;
  }

  /** Another peer, or another request: both begin without credentials. */
  forget(): void {
    this.#given.clear();
  }

  /** Takes a 401 or 407; true when there is an answer to it that the peer has not refused yet. */
  take(method: string, uri: string, { status, headers }: SipResponse): boolean {
    if (status !== 401 && status !== 407) return false;
    const values = headers.all(status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate');
    const challenge = { status, values: values.slice(0, challengesRead), method, uri } as const;
    const answer: ChallengeAnswer | undefined = this.#authorize?.(challenge);
    const answers = this.#given.get(status)?.answers ?? 0;
    if (answer === undefined || answers >= answersToChallenges) return false;
    // Refused with credentials, and not for an old nonce: the same ones would be refused for ever.
    if (answers > 0 && !answer.stale) return false;
    const name = status === 401 ? 'Authorization' : 'Proxy-Authorization';
    this.#given.set(status, { field: { name, value: answer.value }, answers: answers + 1 });
    return true;
  }
}

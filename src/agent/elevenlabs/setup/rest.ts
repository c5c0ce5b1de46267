import { Failure, fail, messageOf, ok, type Result } from '../../../core/errors.ts';
import { isLoopback } from '../loopback.ts';

export interface RestOptions {
  /** ELEVENLABS_BASE_URL. Plain http is taken for loopback only. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly fetch?: typeof fetch;
}

export const restLimits = {
  /** How long one request may take, ms. */
  requestMs: 20_000,
  /** Largest answer that is read, bytes: an agent with a long prompt has some hundred thousand. */
  answerBytes: 8 * 1024 * 1024,
  /** Pages of a list that are read. */
  pages: 100,
} as const;

type Method = 'GET' | 'POST' | 'PATCH';

/**
 * ElevenLabs' REST API as far as the setup of an agent needs it. Failures have the codes `unauthorized`, `forbidden`,
 * `not-found`, `invalid`, `throttled`, `unreachable` and `failed`; neither the key nor what was sent is part of any.
 */
export class ElevenLabsRest {
  readonly #base: string;
  readonly #apiKey: string;
  readonly #fetch: typeof fetch;

  /** Throws when `baseUrl` is not a URL that a key may be sent to. */
  constructor(options: RestOptions) {
    const { protocol, hostname } = new URL(options.baseUrl);
    if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname)))
      throw new Error('ELEVENLABS_BASE_URL must be https, or http on loopback');
    this.#base = options.baseUrl.replace(/\/+$/, '');
    this.#apiKey = options.apiKey;
    this.#fetch = options.fetch ?? fetch;
  }

  get(path: string): Promise<Result<unknown>> {
    return this.#ask('GET', path);
  }

  post(path: string, body: object): Promise<Result<unknown>> {
    return this.#ask('POST', path, body);
  }

  patch(path: string, body: object): Promise<Result<unknown>> {
    return this.#ask('PATCH', path, body);
  }

  /** All entries of a paged list, which stand under `key` of each page. */
  async list(path: string, key: string): Promise<Result<readonly unknown[]>> {
    const all: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < restLimits.pages; page++) {
      const query = `page_size=100${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const got = await this.get(`${path}?${query}`);
      if (!got.ok) return got;
      const answer = got.value as Readonly<Record<string, unknown>> | null;
      const entries = answer?.[key];
      if (!Array.isArray(entries)) return fail(new Failure('failed', `${path} gave no list of ${key}`));
      all.push(...(entries as unknown[]));
      const next = answer?.['next_cursor'];
      if (typeof next !== 'string' || next === '' || answer?.['has_more'] === false) return ok(all);
      cursor = next;
    }
    return fail(new Failure('failed', `${path} has more than ${restLimits.pages} pages`));
  }

  async #ask(method: Method, path: string, body?: object): Promise<Result<unknown>> {
    try {
      const response = await this.#fetch(`${this.#base}${path}`, {
        method,
        headers: {
          'xi-api-key': this.#apiKey,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect would carry the key along to wherever it points.
        redirect: 'manual',
        signal: AbortSignal.timeout(restLimits.requestMs),
      });
      const answer = parsed(await boundedText(response));
      if (response.ok) return ok(answer);
      return fail(
        new Failure(
          codeOf(response.status),
          `${method} ${pathOnly(path)}: ${reasonOf(response.status, answer)}`,
        ),
      );
    } catch (error) {
      return fail(
        new Failure(
          'unreachable',
          `ElevenLabs did not answer ${method} ${pathOnly(path)}: ${causeOf(error)}`,
        ),
      );
    }
  }
}

const pathOnly = (path: string) => path.split('?', 1)[0];

function codeOf(status: number): string {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  if (status === 400 || status === 422) return 'invalid';
  return status === 429 ? 'throttled' : 'failed';
}

/** `detail` is an object with a status word, or a list of complaints with the place of each. Values are not quoted. */
function reasonOf(status: number, answer: unknown): string {
  const detail = (answer as { detail?: unknown } | null)?.detail;
  if (Array.isArray(detail)) {
    const places = detail.map(each => (each as { loc?: unknown }).loc).filter(Array.isArray);
    const named = places.map(place => place.filter(part => /^[\w-]{1,64}$/.test(String(part))).join('.'));
    return `${status}, which names ${named.join(', ') || 'nothing'}`;
  }
  const word = (detail as { status?: unknown } | undefined)?.status;
  return typeof word === 'string' && /^\w{1,64}$/.test(word) ? `${status} ${word}` : String(status);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An answer that is no JSON says nothing beyond its status.
    return null;
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > restLimits.answerBytes) throw new Error(`an answer above ${restLimits.answerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `fetch` hides the reason in `cause`; neither has headers or a body in it. */
function causeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : messageOf(error);
}

import type { Clock } from '../../core/clock.ts';
import { Failure, fail, messageOf, ok, outOfDescriptors, type Result } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { AgentTickets } from '../agent.ts';
import { KeptConnections } from './kept-connections.ts';
import { isLoopback } from './loopback.ts';

export interface TicketOptions {
  /** ELEVENLABS_BASE_URL. Plain http is taken for loopback only. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly timeoutMs: number;
  readonly log: Logger;
  readonly clock?: Clock;
}

/**
 * Gets the signed WebSocket URLs that conversations start with. The API key stays in here, on the main thread; neither
 * it nor a URL is ever logged or part of a failure.
 */
export class TicketOffice implements AgentTickets {
  readonly #endpoint: URL;
  readonly #apiKey: string;
  readonly #timeoutMs: number;
  readonly #log: Logger;
  readonly #connections: KeptConnections;

  /** Throws when `baseUrl` is not an http(s) URL that a secret may be sent to. */
  constructor(options: TicketOptions) {
    this.#endpoint = endpointOf(options.baseUrl);
    this.#apiKey = options.apiKey;
    this.#timeoutMs = options.timeoutMs;
    this.#log = options.log;
    this.#connections = new KeptConnections(options.clock);
  }

  /** A URL for one conversation with the agent. A failure's code is an ending reason (`agent-unauthorized`, ...). */
  async signedUrl(agentId: string): Promise<Result<string>> {
    const url = new URL(this.#endpoint);
    url.searchParams.set('agent_id', agentId);
    const result = await this.#ask(url);
    if (!result.ok) {
      const { code, message } = result.failure;
      this.#log.warn('no signed url', { agent: agentId, code, cause: message });
    }
    return result;
  }

  async #ask(url: URL): Promise<Result<string>> {
    try {
      const headers = { 'xi-api-key': this.#apiKey, accept: 'application/json' };
      const { status, text } = await this.#connections.get(url, headers, this.#timeoutMs);
      const answer = parsed(text);
      return status === 200 ? ticketIn(answer) : fail(refusal(status, detailStatus(answer)));
    } catch (error) {
      const cause = causeOf(error);
      const code = outOfDescriptors(cause) ? 'no-descriptors' : 'agent-unreachable';
      return fail(new Failure(code, `ElevenLabs did not answer: ${cause}`));
    }
  }
}

function endpointOf(baseUrl: string): URL {
  const base = new URL(baseUrl);
  const secure = base.protocol === 'https:' || (base.protocol === 'http:' && isLoopback(base.hostname));
  if (!secure) throw new Error('ELEVENLABS_BASE_URL must be https (http is for loopback only)');
  return new URL('/v1/convai/conversation/get-signed-url', base);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function detailStatus(answer: unknown): string {
  const status = field(field(answer, 'detail'), 'status');
  return typeof status === 'string' && /^[a-z_]{1,64}$/.test(status) ? status : '';
}

function ticketIn(answer: unknown): Result<string> {
  const signed = field(answer, 'signed_url');
  if (typeof signed !== 'string' || !URL.canParse(signed)) {
    return fail(new Failure('agent-garbage', 'ElevenLabs answered without a signed_url'));
  }
  const { protocol, hostname } = new URL(signed);
  if (protocol === 'wss:' || (protocol === 'ws:' && isLoopback(hostname))) return ok(signed);
  return fail(new Failure('agent-garbage', 'ElevenLabs gave a signed_url that is not wss'));
}

/** The word in `detail.status` says more than the HTTP status: a used-up quota comes as 401. */
function refusal(status: number, detail: string): Failure {
  const told = `ElevenLabs refused a signed URL: HTTP ${status}${detail === '' ? '' : ` ${detail}`}`;
  if (detail.includes('quota') || status === 402) return new Failure('agent-quota', told);
  if (detail.includes('not_found') || status === 404) return new Failure('agent-not-found', told);
  if (status === 401 || status === 403) return new Failure('agent-unauthorized', told);
  if (status === 429) return new Failure('agent-busy', told);
  if (status >= 400 && status < 500) return new Failure('agent-request-error', told);
  return new Failure('agent-unreachable', told);
}

/** The system's error code where there is one; neither it nor the message of a failure holds the key. */
function causeOf(error: unknown): string {
  const code = error instanceof Failure ? undefined : field(error, 'code');
  return typeof code === 'string' ? code : messageOf(error);
}

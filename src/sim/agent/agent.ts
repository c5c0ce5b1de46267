import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { SimConversation } from './conversation.ts';
import type { SimAgentOptions, SimScript } from './options.ts';
import { play } from './scripts.ts';
import { Tickets } from './tickets.ts';
import { Watchers } from './watchers.ts';
import { SimWorkspace } from './workspace.ts';

const host = '127.0.0.1';
const ticketPaths = new Set([
  '/v1/convai/conversation/get-signed-url',
  '/v1/convai/conversation/get_signed_url',
]);
const socketPath = '/v1/convai/conversation';

/** Agents that are always there. */
const standing: Readonly<Record<string, SimScript>> = {
  agent_echo: { mode: 'echo' },
  agent_tone: { mode: 'tone', hz: 440, seconds: 2, endCall: true },
  agent_otp: { mode: 'otp' },
};

const defaults = {
  apiKey: 'sim-key',
  keepAudioBytes: 4 * 1024 * 1024,
  keepConversations: 1000,
  pingMs: 2000,
  leadMs: 500,
  receiveTimeoutMs: 0,
  waitMs: 10_000,
  maxClientMessageBytes: 1024 * 1024,
};

/** A stand-in for ElevenLabs on loopback: signed URLs over HTTP, conversations over WebSockets. */
export class SimAgent {
  /** For ELEVENLABS_BASE_URL. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Conversations in the order they began, ended ones too; see `keepConversations`. */
  readonly conversations: SimConversation[] = [];
  /** Its agents, tools and secrets as the REST API has them; who may be called is another matter (`agents`). */
  readonly workspace = new SimWorkspace();
  /** Requests for a signed URL, refused ones too. */
  ticketRequests = 0;
  readonly #options: SimAgentOptions;
  readonly #scripts: ReadonlyMap<string, SimScript>;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #tickets = new Tickets();
  readonly #watchers = new Watchers();
  readonly #openOnes = new Set<SimConversation>();
  readonly #unasked = new Set<Socket>();
  #begun = 0;
  #pings = 0;
  readonly #pinging: NodeJS.Timeout | undefined;

  static async start(options: SimAgentOptions = {}): Promise<SimAgent> {
    const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, host, resolve);
    });
    return new SimAgent(options, server);
  }

  private constructor(options: SimAgentOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.apiKey = options.apiKey ?? defaults.apiKey;
    this.#scripts = new Map(Object.entries({ ...standing, ...options.agents }));
    const { port } = server.address() as AddressInfo;
    this.baseUrl = `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: defaults.maxClientMessageBytes,
    });
    server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#unasked.add(socket);
      socket.once('close', () => this.#unasked.delete(socket));
      this.#watchers.notify();
    });
    server.on('request', (request, response) => {
      this.#unasked.delete(request.socket);
      void this.#answer(request, response);
    });
    server.on('upgrade', (request, socket, head) => {
      this.#unasked.delete(request.socket);
      this.#upgrade(request, socket, head);
    });
    const pingMs = options.pingMs ?? defaults.pingMs;
    this.#pinging = pingMs === 0 ? undefined : setInterval(() => this.#ping(), pingMs);
  }

  /** WebSockets that are open now. */
  get open(): number {
    return this.#openOnes.size;
  }

  /** Connections, with TLS where it has that, over which nothing has been asked yet. */
  get unasked(): number {
    return this.#unasked.size;
  }

  /** Settles with what `check` finds as soon as it finds something; rejects after `timeoutMs`. */
  waitFor<T>(check: (agent: SimAgent) => T | undefined | false, timeoutMs = defaults.waitMs): Promise<T> {
    return this.#watchers.until(() => check(this), timeoutMs, String(check));
  }

  /** The conversation that began as number `index`, as soon as its initiation data is there. */
  conversation(index: number, timeoutMs?: number): Promise<SimConversation> {
    return this.waitFor(({ conversations }) => {
      const found = conversations[index];
      return found?.initiation === undefined ? undefined : found;
    }, timeoutMs);
  }

  /** Cuts what is open and stops listening. Whoever still waits is rejected. */
  async close(): Promise<void> {
    clearInterval(this.#pinging);
    for (const conversation of this.#openOnes) conversation.drop();
    this.#watchers.close();
    this.#sockets.close();
    this.#server.closeAllConnections();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #script(agentId: string): SimScript | undefined {
    return this.#scripts.get(agentId) ?? this.#options.otherwise;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.baseUrl);
    const isTicket = request.method === 'GET' && ticketPaths.has(url.pathname);
    if (isTicket) this.ticketRequests++;
    if (!url.pathname.startsWith('/v1/convai/')) return reply(response, 404, 'not_found');
    if (request.headers['xi-api-key'] !== this.apiKey) return reply(response, 401, 'invalid_api_key');
    if (isTicket) return this.#ticket(url, response);
    const found = this.workspace.answer(request.method ?? 'GET', url, await bodyOf(request));
    if (found === undefined) return reply(response, 404, 'not_found');
    sendJson(response, found.status, found.body);
  }

  #ticket(url: URL, response: ServerResponse): void {
    const agentId = url.searchParams.get('agent_id');
    if (agentId === null || agentId === '') return reply(response, 422, 'missing_agent_id');
    if (this.#script(agentId) === undefined) return reply(response, 404, 'agent_not_found');
    const signed = new URL(socketPath, this.baseUrl.replace(/^http/, 'ws'));
    signed.searchParams.set('agent_id', agentId);
    signed.searchParams.set('conversation_signature', this.#tickets.issue(agentId));
    sendJson(response, 200, { signed_url: signed.href });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', this.baseUrl);
    const agentId = url.searchParams.get('agent_id') ?? '';
    const script = this.#script(agentId);
    if (url.pathname !== socketPath || script === undefined) return refuse(socket, 404);
    const signature = url.searchParams.get('conversation_signature') ?? '';
    if (!this.#tickets.redeem(signature, agentId)) return refuse(socket, 401);
    if (script.mode === 'misbehave' && script.how.kind === 'refuse') return refuse(socket, script.how.status);
    this.#sockets.handleUpgrade(request, socket, head, opened => this.#converse(opened, agentId, script));
  }

  #converse(socket: WebSocket, agentId: string, script: SimScript): void {
    this.#begun++;
    const conversation = new SimConversation({
      agentId,
      conversationId: `conv_${this.#begun}`,
      inputFormat: script.inputFormat ?? 'pcm_16000',
      outputFormat: script.outputFormat ?? 'pcm_16000',
      keepAudioBytes: this.#options.keepAudioBytes ?? defaults.keepAudioBytes,
      leadMs: this.#options.leadMs ?? defaults.leadMs,
      receiveTimeoutMs: this.#options.receiveTimeoutMs ?? defaults.receiveTimeoutMs,
      socket,
      changed: () => this.#watchers.notify(),
    });
    this.conversations.push(conversation);
    this.#openOnes.add(conversation);
    conversation.over.addEventListener('abort', () => this.#openOnes.delete(conversation), { once: true });
    this.#forget();
    play(script, conversation).catch((error: unknown) => {
      if (conversation.closed === undefined) conversation.violations.push(`the script failed: ${error}`);
    });
    this.#watchers.notify();
  }

  #forget(): void {
    const kept = this.#options.keepConversations ?? defaults.keepConversations;
    if (this.conversations.length <= kept) return;
    const oldest = this.conversations.findIndex(each => each.closed !== undefined);
    if (oldest !== -1) this.conversations.splice(oldest, 1);
  }

  #ping(): void {
    this.#pings++;
    const text = JSON.stringify({ type: 'ping', ping_event: { event_id: this.#pings, ping_ms: null } });
    for (const conversation of this.#openOnes) conversation.sendRaw(text);
  }
}

/** What was sent as JSON; undefined when it is none. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    // No body, or one that the API would refuse too.
    return undefined;
  }
}

function reply(response: ServerResponse, status: number, word: string): void {
  sendJson(response, status, { detail: { status: word, message: 'refused by the stand-in' } });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(socket: Duplex, status: number): void {
  const reason = STATUS_CODES[status] ?? 'Refused';
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
}

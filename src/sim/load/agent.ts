import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LoadConversation } from './conversation.ts';
import type { Made } from './made.ts';
import { Marks, paceOf } from './marks.ts';
import type { AgentReport } from './messages.ts';
import { monotonic } from './monotonic.ts';
import { agentPiece, callerBytes, frameMs, type Profile, pieceMs } from './profile.ts';
import { Wheel } from './wheel.ts';

/** The constant of RFC 6455 section 1.3. */
const handshakeKey = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const socketPath = '/v1/convai/conversation';
const slots = 20;

export interface LoadAgentOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Conversations begin, and nothing is said in them; default false. */
  readonly silent?: boolean;
  /** Why it is this one, and not the compiled one. */
  readonly why?: string;
}

/**
 * A stand-in agent for load: any number of conversations that all say the same, paced by one wheel, over WebSockets
 * that are read only as far as counting needs. Everybody gets a signed URL.
 */
export class LoadAgent {
  readonly baseUrl: string;
  readonly made: Made;
  readonly marks = {
    ready: new Marks(),
    greeting: new Marks(),
    turn: new Marks(),
    cut: new Marks(),
    heard: new Marks(),
  };
  readonly silent: boolean;
  readonly #profile: Profile;
  readonly #server: Server;
  readonly #wheel: Wheel;
  readonly #slots: Set<LoadConversation>[] = Array.from({ length: slots }, () => new Set());
  readonly #speech: string;
  /** Messages of speech by their event: every conversation sends the same ones. */
  readonly #pieces = new Map<number, Buffer>();
  #markedAt = 0;
  messagesReceived = 0;
  messagesSent = 0;
  others = 0;
  #conversations = 0;

  static async start(profile: Profile, options: LoadAgentOptions = {}): Promise<LoadAgent> {
    const { tls, silent = false, why = 'asked for' } = options;
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new LoadAgent(profile, server, { secure: tls !== undefined, silent, why });
  }

  private constructor(
    profile: Profile,
    server: Server,
    { secure, silent, why }: { readonly secure: boolean; readonly silent: boolean; readonly why: string },
  ) {
    this.made = { by: 'node', why };
    this.#profile = profile;
    this.silent = silent;
    this.#server = server;
    this.#speech = agentPiece(profile).toString('base64');
    this.baseUrl = `http${secure ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (_request, response) => {
      const signedUrl = `${this.baseUrl.replace(/^http/, 'ws')}${socketPath}?conversation_signature=load`;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ signed_url: signedUrl }));
    });
    server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
    this.#wheel = new Wheel({
      periodMs: pieceMs,
      slots,
      turn: slot => {
        for (const conversation of this.#slots[slot]!) conversation.step();
      },
    });
    this.#wheel.start();
  }

  get profile(): Profile {
    return this.#profile;
  }

  /** The window of measurement begins. */
  mark(): void {
    this.#markedAt = monotonic();
    this.messagesReceived = 0;
    this.messagesSent = 0;
    this.others = 0;
    this.#wheel.lateness.clear();
    for (const each of this.#open()) each.mark();
  }

  report(): AgentReport {
    const ms = monotonic() - this.#markedAt;
    const whole = this.#open().filter(each => each.sinceMark);
    const bytesPerMs = callerBytes(this.#profile) / frameMs;
    const paces = whole.map(each => each.soundBytes / bytesPerMs / ms);
    return {
      conversations: whole.length,
      messagesReceived: this.messagesReceived,
      messagesSent: this.messagesSent,
      pace: paceOf(paces),
      own: this.#wheel.lateness.summary(),
      others: this.others,
      marks: {
        ready: this.marks.ready.list,
        greeting: this.marks.greeting.list,
        turn: this.marks.turn.list,
        cut: this.marks.cut.list,
        heard: this.marks.heard.list,
      },
    };
  }

  /** The id of a conversation that begins. */
  nextId(): string {
    return `conv_load_${this.#conversations++}`;
  }

  /** The message that carries 100 ms of speech of an event. */
  piece(eventId: number): Buffer {
    const known = this.#pieces.get(eventId);
    if (known !== undefined) return known;
    const text = `{"type":"audio","audio_event":{"audio_base_64":"${this.#speech}","event_id":${eventId}}}`;
    const made = LoadConversation.frame(text);
    this.#pieces.set(eventId, made);
    return made;
  }

  async close(): Promise<void> {
    this.#wheel.stop();
    for (const each of this.#open()) each.drop();
    this.#server.closeAllConnections();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #open(): LoadConversation[] {
    return this.#slots.flatMap(slot => [...slot]);
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}${handshakeKey}`)
      .digest('base64');
    if (socket instanceof Socket) socket.setNoDelay(true);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    // The slot that was just worked off: its next turn is a whole period away.
    const conversation = new LoadConversation(this, socket, () => {
      const slot = this.#slots[(this.#wheel.slot + slots - 1) % slots]!;
      slot.add(conversation);
      socket.once('close', () => slot.delete(conversation));
    });
  }
}

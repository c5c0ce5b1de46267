import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { ULAW_SILENCE } from '../../../codecs/g711.ts';
import { newSid } from './resource.ts';
import { frameBytes, StreamPlayer } from './stream-player.ts';

export interface SimStreamOptions {
  /** Where the WebSocket is really reached. */
  readonly url: string;
  /** X-Twilio-Signature; absent: the upgrade comes without one. */
  readonly signature: string | undefined;
  readonly accountSid: string;
  readonly callSid: string;
  /** Of `<Parameter>`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Hears everything that the bridge sends, as it came. */
  readonly onMessage?: (message: Readonly<Record<string, unknown>>) => void;
  /** Twilio, or something on the way to it, reads nothing any more. */
  readonly deaf?: boolean;
}

const frameMs = 20;
const silence = Buffer.alloc(frameBytes, ULAW_SILENCE);

/** One bidirectional media stream as Twilio makes it: messages, order and strings of its documentation. */
export class SimStream {
  readonly streamSid = newSid('MZ');
  readonly player: StreamPlayer;
  /** What the caller heard, 20 ms each. */
  readonly heard: Buffer[] = [];
  /** Settles when the bridge has taken the upgrade: its status when it has not. */
  readonly opened: Promise<'open' | number>;
  /** Settles when the WebSocket is closed, with its code. */
  readonly closed: Promise<number>;
  /** Events that the bridge sent, by their names. */
  readonly received: Record<string, number> = {};
  readonly #options: SimStreamOptions;
  readonly #ws: WebSocket;
  #wire: Socket | undefined;
  /** What the caller says, by pieces of 20 ms. */
  readonly #saying: Buffer[] = [];
  #sequence = 0;
  #chunk = 0;
  #begun = 0;
  #ticks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SimStreamOptions) {
    this.#options = options;
    this.player = new StreamPlayer(name => this.#send('mark', { mark: { name } }));
    const headers = options.signature === undefined ? {} : { 'x-twilio-signature': options.signature };
    const ws = new WebSocket(options.url, { headers, perMessageDeflate: false });
    this.#ws = ws;
    ws.once('upgrade', ({ socket }) => {
      this.#wire = socket;
    });
    this.opened = new Promise(resolve => {
      ws.once('open', () => resolve('open'));
      ws.once('unexpected-response', (request, response) => {
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      ws.once('error', () => resolve(0));
    });
    this.closed = new Promise(resolve => {
      ws.once('close', code => {
        clearTimeout(this.#timer);
        resolve(code);
      });
    });
    ws.on('open', () => this.#start());
    ws.on('message', data => this.#hear(JSON.parse(String(data)) as Readonly<Record<string, unknown>>));
    ws.on('error', () => undefined);
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  /** The caller says this, after what it is saying; mu-law of 8000 Hz. */
  say(sound: Buffer): void {
    for (let at = 0; at < sound.length; at += frameBytes) {
      const piece = Buffer.alloc(frameBytes, ULAW_SILENCE);
      sound.copy(piece, 0, at, at + frameBytes);
      this.#saying.push(piece);
    }
  }

  /** The caller presses keys: Twilio tells each once, and not in what sound. */
  press(keys: string): void {
    for (const digit of keys) this.#send('dtmf', { dtmf: { track: 'inbound_track', digit } });
  }

  /** Sends something that Twilio never would. */
  raw(text: string | Buffer): void {
    this.#ws.send(text);
  }

  /** The caller hangs up, or the call leaves the stream. */
  stop(): void {
    const { accountSid, callSid } = this.#options;
    this.#send('stop', { stop: { accountSid, callSid } });
    this.#ws.close(1000);
  }

  /** The connection is gone without a word. */
  cut(): void {
    this.#ws.terminate();
  }

  /** The connection is reset. */
  reset(): void {
    this.#wire?.resetAndDestroy();
  }

  #start(): void {
    const { accountSid, callSid, parameters, deaf } = this.#options;
    if (deaf === true) this.#ws.pause();
    this.#ws.send(JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' }));
    const { streamSid } = this;
    const mediaFormat = { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 };
    const start = { accountSid, streamSid, callSid, tracks: ['inbound'], mediaFormat };
    this.#send('start', { start: { ...start, customParameters: parameters } });
    this.#begun = performance.now();
    this.#tick();
  }

  /** Every 20 ms, counted from the beginning so that nothing drifts. */
  #tick(): void {
    const due = Math.floor((performance.now() - this.#begun) / frameMs);
    for (; this.#ticks <= due && this.isOpen; this.#ticks++) {
      const payload = (this.#saying.shift() ?? silence).toString('base64');
      this.#chunk++;
      const timestamp = String(this.#ticks * frameMs);
      this.#send('media', { media: { track: 'inbound', chunk: String(this.#chunk), timestamp, payload } });
      this.heard.push(this.player.next());
    }
    if (!this.isOpen) return;
    const next = this.#begun + this.#ticks * frameMs - performance.now();
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, next));
  }

  #send(event: string, more: object): void {
    if (!this.isOpen) return;
    this.#sequence++;
    const { streamSid } = this;
    this.#ws.send(JSON.stringify({ event, sequenceNumber: String(this.#sequence), ...more, streamSid }));
  }

  #hear(message: Readonly<Record<string, unknown>>): void {
    this.#options.onMessage?.(message);
    const { event } = message as { event: string };
    this.received[event] = (this.received[event] ?? 0) + 1;
    if (message['streamSid'] !== this.streamSid) throw new Error('a message for another stream');
    if (event === 'media') {
      const { payload } = message['media'] as { payload: string };
      this.player.media(Buffer.from(payload, 'base64'));
    } else if (event === 'mark') this.player.mark((message['mark'] as { name: string }).name);
    else if (event === 'clear') this.player.clear();
    else throw new Error(`Twilio takes no ${event} (31924)`);
  }
}

import type { WebSocket } from 'ws';
import type {
  ClientToolResult,
  InitiationData,
  ServerMessage,
} from '../../agent/elevenlabs/protocol/messages.ts';
import type { AudioFormat } from '../../core/audio.ts';
import { type ClientInput, readClient } from './client-input.ts';
import { paced, pause } from './pace.ts';
import { Voice } from './sound.ts';
import { Watchers } from './watchers.ts';

export interface ConversationOptions {
  readonly agentId: string;
  readonly conversationId: string;
  readonly inputFormat: AudioFormat;
  readonly outputFormat: AudioFormat;
  readonly keepAudioBytes: number;
  readonly leadMs: number;
  readonly receiveTimeoutMs: number;
  readonly socket: WebSocket;
  /** Called whenever something has happened. */
  readonly changed: () => void;
}

/** How long the stand-in waits for a tool's result, ms: what the real service grants. */
const toolTimeoutMs = 20_000;

/** One conversation as the stand-in saw it, and the means to act in it. */
export class SimConversation {
  readonly agentId: string;
  readonly conversationId: string;
  readonly inputFormat: AudioFormat;
  readonly outputFormat: AudioFormat;
  /** What came first; undefined until it has. */
  initiation: InitiationData | undefined;
  /** Caller sound that came, in bytes of the input format. */
  audioBytes = 0;
  /** When each piece of caller sound came (performance.now, ms) and its bytes; as long as sound is kept. */
  readonly arrivals: { readonly at: number; readonly bytes: number }[] = [];
  readonly userMessages: string[] = [];
  readonly contextualUpdates: string[] = [];
  /** User messages and contextual updates together, in the order they came. */
  readonly told: string[] = [];
  readonly toolResults: ClientToolResult[] = [];
  readonly pongs: number[] = [];
  /** What the client sent that the real service would refuse. */
  readonly violations: string[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** Set by a script: called with the base64 text of caller sound as it comes. */
  onAudio: ((base64: string) => void) | undefined;
  /** Event id that speech has now; a new turn has a new one. */
  eventId = 1;
  readonly #options: ConversationOptions;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #toolCalls = 0;
  readonly #watchers = new Watchers();
  readonly #over = new AbortController();
  #speech = new AbortController();
  #silence: NodeJS.Timeout | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.agentId = options.agentId;
    this.conversationId = options.conversationId;
    this.inputFormat = options.inputFormat;
    this.outputFormat = options.outputFormat;
    const socket = options.socket;
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.violations.push('a binary frame');
      else this.#take(readClient((data as Buffer).toString('utf8')));
      this.#changed();
    });
    socket.on('error', error => this.violations.push(error.message));
    socket.on('close', (code, reason) => this.#finish(code, reason.toString()));
  }

  /** Aborted when the socket is gone. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** The caller sound that was kept, from the beginning. */
  audio(): Buffer {
    return Buffer.concat(this.#kept);
  }

  /** Settles with what `check` finds as soon as it finds something; rejects after `timeoutMs` or when it is over. */
  until<T>(check: (conversation: this) => T | undefined | false, timeoutMs = 10_000): Promise<T> {
    return this.#watchers.until(() => check(this), timeoutMs, `${this.agentId}: ${check}`);
  }

  send(message: ServerMessage): void {
    this.sendRaw(JSON.stringify(message));
  }

  sendRaw(data: string | Buffer): void {
    const { socket } = this.#options;
    if (socket.readyState === socket.OPEN) socket.send(data);
  }

  sendMetadata(outputFormat: string = this.outputFormat): void {
    this.send({
      type: 'conversation_initiation_metadata',
      conversation_initiation_metadata_event: {
        conversation_id: this.conversationId,
        agent_output_audio_format: outputFormat,
        user_input_audio_format: this.inputFormat,
      },
    });
  }

  /** Sound that is base64 already, as speech of `eventId`. */
  sendAudio(base64: string, eventId: number = this.eventId): void {
    this.sendRaw(`{"type":"audio","audio_event":{"audio_base_64":"${base64}","event_id":${eventId}}}`);
  }

  /** Speaks a tone in real time, a little ahead; settles when its last piece is sent or it was interrupted. */
  async say(hz: number, ms: number): Promise<void> {
    const voice = new Voice(this.outputFormat, hz);
    const eventId = this.eventId;
    const signal = AbortSignal.any([this.#speech.signal, this.over]);
    await paced(ms, this.#options.leadMs, signal, pieceMs => {
      this.sendAudio(voice.next(pieceMs).toString('base64'), eventId);
    });
  }

  /** The text of what is said; the real service sends it with the first sound of a turn. */
  sayText(text: string): void {
    this.send({
      type: 'agent_response',
      agent_response_event: { agent_response: text, event_id: this.eventId },
    });
  }

  /** What is said later belongs to a new event. */
  nextTurn(): void {
    this.eventId++;
  }

  /** Stops what is being said; what is said later has a new event id. */
  interrupt(): void {
    this.#speech.abort();
    this.#speech = new AbortController();
    this.send({ type: 'interruption', interruption_event: { event_id: this.eventId } });
    this.nextTurn();
  }

  /** Settles with the client's result; rejects when it takes longer than 20 s or the conversation ends. */
  async callTool(name: string, parameters: Readonly<Record<string, unknown>>): Promise<ClientToolResult> {
    this.#toolCalls++;
    const id = `${this.conversationId}_tool_${this.#toolCalls}`;
    this.send({
      type: 'client_tool_call',
      client_tool_call: { tool_name: name, tool_call_id: id, parameters, event_id: this.eventId },
    });
    const result = () => this.toolResults.find(each => each.tool_call_id === id) ?? this.closed;
    const found = await this.#watchers.until(result, toolTimeoutMs, `the result of ${name}`);
    if ('is_error' in found) return found;
    throw new Error(`the conversation ended before ${name} was answered`);
  }

  /** Tells that the agent has ended the call, and closes with 1000 `afterMs` later. */
  async endCall(afterMs = 200): Promise<void> {
    this.send({
      type: 'agent_tool_response',
      agent_tool_response: {
        tool_name: 'end_call',
        tool_call_id: `${this.conversationId}_end_call`,
        tool_type: 'system',
        is_error: false,
        is_called: true,
        event_id: this.eventId,
      },
    });
    if (await pause(afterMs, this.over)) this.close(1000);
  }

  close(code: number, reason = ''): void {
    this.#options.socket.close(code, reason);
  }

  /** Cuts the connection without a close frame. */
  drop(): void {
    this.#options.socket.terminate();
  }

  #take(input: ClientInput): void {
    if (this.initiation === undefined && input.kind !== 'initiation') {
      this.violations.push(`${input.kind} came before the initiation data`);
    }
    switch (input.kind) {
      case 'audio':
        return this.#hear(input.base64);
      case 'initiation':
        return this.#initiate(input.data);
      case 'pong':
        this.pongs.push(input.eventId);
        return;
      case 'tool-result':
        this.toolResults.push(input.result);
        return;
      case 'user-message':
        this.userMessages.push(input.text);
        this.told.push(input.text);
        return;
      case 'context':
        this.contextualUpdates.push(input.text);
        this.told.push(input.text);
        return;
      case 'violation':
        this.violations.push(input.what);
        return;
      case 'activity':
        return;
    }
  }

  /** The real service ends a conversation that gets no sound, whatever else it gets. */
  #expectSound(): void {
    const { receiveTimeoutMs } = this.#options;
    if (receiveTimeoutMs === 0) return;
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const message = 'no user input';
      const error_event = { code: 1002, error_type: 'transport_receive_timeout', message };
      this.send({ type: 'error', error_event });
      this.close(1002, message);
    }, receiveTimeoutMs);
  }

  #initiate(data: InitiationData): void {
    this.#expectSound();
    if (this.initiation === undefined) this.initiation = data;
    else this.violations.push('the initiation data came twice');
  }

  #hear(base64: string): void {
    this.#expectSound();
    const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
    const bytes = (base64.length / 4) * 3 - padding;
    this.audioBytes += bytes;
    if (this.#keptBytes + bytes <= this.#options.keepAudioBytes) {
      const sound = Buffer.from(base64, 'base64');
      if (sound.length !== bytes) this.violations.push('user_audio_chunk is not base64');
      this.#kept.push(sound);
      this.#keptBytes += bytes;
      this.arrivals.push({ at: performance.now(), bytes });
    }
    this.onAudio?.(base64);
  }

  #finish(code: number, reason: string): void {
    clearTimeout(this.#silence);
    this.closed = { code, reason };
    this.#over.abort();
    this.#changed();
    this.#watchers.close();
  }

  #changed(): void {
    this.#watchers.notify();
    this.#options.changed();
  }
}

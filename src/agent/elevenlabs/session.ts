import { type AudioFormat, type AudioSink, audioFormats } from '../../core/audio.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { type Ending, ending } from '../../core/ending.ts';
import { messageOf } from '../../core/errors.ts';
import type { ConversationId, ToolCallId } from '../../core/ids.ts';
import type { Logger } from '../../core/logger.ts';
import type { AgentListener, AgentSession, AgentStart, AgentToolAnswer, QueueStatus } from '../agent.ts';
import { CallerAudio } from './caller-audio.ts';
import { closingOf, type Progress, reportedEnding } from './closing.ts';
import { type AgentLimits, agentLimits } from './limits.ts';
import { type MessageCounts, newMessageCounts } from './message-counts.ts';
import { type Reading, type ReportedError, readMessage } from './protocol/reader.ts';
import { contextualUpdate, initiation, pong, toolResult, userMessage } from './protocol/writer.ts';
import type { AgentSocket, ConnectAgent, SocketEnd } from './socket.ts';
import { type SessionEffect, type SessionInput, type SessionState, transition } from './states.ts';

export interface SessionOptions {
  readonly start: AgentStart;
  readonly listener: AgentListener;
  readonly clock: Clock;
  readonly log: Logger;
  /** Opens the socket ahead of the conversation, which then waits for `begin`. */
  readonly held?: boolean;
  /** `connectWith(limits)`; tests give their own. */
  readonly connect: ConnectAgent;
  readonly limits?: AgentLimits;
  /** Shared by all conversations of the worker, for the metric. */
  readonly counts?: MessageCounts;
}

/** RFC 6455 section 7.4.1. */
const normalClosure = 1000;
const protocolError = 1002;

/**
 * One conversation over ElevenLabs' WebSocket. It connects when it is made. After `ended` because of a farewell the
 * socket is still open and sound may still come: the last sentence often follows the event. `close()` ends that.
 */
export class ElevenLabsSession implements AgentSession {
  readonly #start: AgentStart;
  readonly #listener: AgentListener;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: AgentLimits;
  readonly #counts: MessageCounts;
  readonly #socket: AgentSocket;
  #state: SessionState;
  #timer: Timer | undefined;
  #input: CallerAudio | undefined;
  #metadata:
    | { conversationId: ConversationId; outputFormat: AudioFormat; inputFormat: AudioFormat }
    | undefined;
  /** What the next `report` says. */
  #end: Ending = ending('internal-error');
  /** The first error that the agent said it would close for. */
  #error: ReportedError | undefined;
  #bad = 0;
  /** The last ping that came while the conversation was held. */
  #owedPong: number | undefined;
  /** Highest event id that sound came with, and highest that was interrupted. */
  #heard = -1;
  #interrupted = -1;

  constructor(options: SessionOptions) {
    this.#start = options.start;
    this.#listener = options.listener;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#limits = options.limits ?? agentLimits;
    this.#counts = options.counts ?? newMessageCounts();
    this.#state = options.held === true ? 'preparing' : 'connecting';
    this.#startDeadline();
    this.#socket = options.connect(options.start.url, {
      opened: () => this.#guard(() => this.#opened()),
      text: data => this.#guard(() => this.#text(data)),
      binary: length => this.#guard(() => this.#binary(length)),
      ended: end => this.#guard(() => this.#gone(end)),
    });
  }

  get input(): AudioSink | undefined {
    return this.#input;
  }

  begin(): void {
    if (this.#held) this.#apply('begin');
  }

  answerTool(answer: AgentToolAnswer): void {
    if (this.#talking) this.#socket.send(toolResult(answer));
    else this.#log.debug('tool answer came after the conversation', { tool_call: answer.id });
  }

  tell(text: string, how: 'turn' | 'context'): void {
    if (!this.#talking) this.#log.debug('text for the agent came outside of the conversation', { how });
    else this.#socket.send(how === 'turn' ? userMessage(text) : contextualUpdate(text));
  }

  close(): void {
    this.#apply('close');
  }

  get #held(): boolean {
    return this.#state === 'preparing' || this.#state === 'prepared';
  }

  get #talking(): boolean {
    return this.#state === 'ready' || this.#state === 'ending' || this.#state === 'ended';
  }

  /** A fault of ours ends the conversation it happened in, and nothing else in this thread. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.error('fault in a conversation', { error: messageOf(error) });
      if (this.#state !== 'closed') this.#fault(ending('internal-error'));
    }
  }

  #opened(): void {
    if (this.#state === 'connecting' || this.#state === 'preparing') this.#apply('opened');
  }

  #text(data: Buffer): void {
    if (this.#state === 'closed') return;
    const reading = readMessage(data);
    switch (reading.kind) {
      case 'audio':
        return this.#audio(reading.eventId, reading.audio);
      case 'ping':
        return this.#ping(reading.eventId);
      case 'metadata':
        return this.#begin(reading);
      case 'interruption':
        return this.#interruption(reading.eventId);
      case 'tool-call':
        return this.#toolCall(reading);
      case 'tool-response':
        return this.#toolResponse(reading.name, reading.isError);
      case 'turn':
        return this.#turn(reading.news);
      case 'queue':
        return this.#queue(reading.status);
      case 'error':
        return this.#reported(reading.error);
      case 'other':
        this.#counts.other++;
        return;
      case 'bad':
        this.#counts.bad++;
        return this.#badMessage(reading.cause);
    }
  }

  #binary(length: number): void {
    if (this.#state === 'closed') return;
    this.#counts.binary++;
    this.#badMessage(`binary frame of ${length} bytes`);
  }

  /** Answered at once, but never before the initiation data, which has to come first. */
  #ping(eventId: number): void {
    this.#counts.ping++;
    if (this.#held) this.#owedPong = eventId;
    else this.#socket.send(pong(eventId));
  }

  #initiate(): void {
    this.#socket.send(initiation(this.#start));
    if (this.#owedPong !== undefined) this.#socket.send(pong(this.#owedPong));
    this.#owedPong = undefined;
  }

  #audio(eventId: number, audio: Buffer): void {
    if (audio.length === 0) return;
    if (!this.#talking) {
      this.#counts.early_audio++;
    } else if (eventId <= this.#interrupted) {
      this.#counts.late_audio++;
      this.#listener.late?.(eventId, audio.length);
    } else {
      this.#counts.audio++;
      if (eventId > this.#heard) this.#heard = eventId;
      this.#listener.audio(eventId, audio);
    }
  }

  #begin(metadata: Extract<Reading, { kind: 'metadata' }>): void {
    this.#counts.metadata++;
    if (this.#talking) return;
    // Without our variables it is not the conversation that was meant: it has to begin anew.
    if (this.#held) return this.#fault(ending('agent-start-failed', 'it began before it was asked to'));
    const { inputFormat, outputFormat } = metadata;
    if (!isFormat(inputFormat) || !isFormat(outputFormat)) {
      const unknown = isFormat(inputFormat) ? outputFormat : inputFormat;
      return this.#fault(
        ending('agent-format-unsupported', /^\w{1,32}$/.test(unknown) ? unknown : undefined),
      );
    }
    const conversationId = metadata.conversationId as ConversationId;
    this.#metadata = { conversationId, outputFormat, inputFormat };
    this.#apply('metadata');
  }

  #interruption(eventId: number | undefined): void {
    this.#counts.interruption++;
    if (!this.#talking) return;
    const id = eventId ?? this.#heard;
    if (id > this.#interrupted) this.#interrupted = id;
    this.#listener.interrupted(id);
  }

  #toolCall(call: Extract<Reading, { kind: 'tool-call' }>): void {
    this.#counts.tool_call++;
    if (this.#state !== 'ready') return;
    const { name, parameters, expectsResponse } = call;
    this.#listener.toolCall({ id: call.id as ToolCallId, name, parameters, expectsResponse });
  }

  #toolResponse(name: string, isError: boolean): void {
    this.#counts.tool_response++;
    if (name !== 'end_call' || isError) return;
    this.#end = ending('agent-ended-call');
    this.#apply('farewell');
  }

  #turn(news: Extract<Reading, { kind: 'turn' }>['news']): void {
    this.#counts.turn++;
    if (!this.#talking) return;
    this.#listener.turn({ ...news, text: news.text.slice(0, this.#limits.turnCharacters) });
  }

  #queue(status: QueueStatus): void {
    this.#counts.queue_status++;
    if (status === 'waiting') this.#apply('queue-waiting');
    else if (status === 'admitted') this.#apply('queue-admitted');
    // `timed_out` changes nothing by itself: the close with 4300 follows.
    this.#listener.queue(status);
  }

  #reported(error: ReportedError): void {
    this.#counts.error++;
    if (error.final) this.#error ??= error;
    const end = reportedEnding(error.final ? (this.#error ?? error) : error);
    this.#log.warn('agent reported an error', { reason: end.reason, detail: end.detail, code: error.code });
    // It has said good-bye: what goes wrong on its way out changes nothing of why.
    if (this.#state === 'ending' || this.#state === 'ended') return;
    const over = end.reason === 'agent-max-duration';
    if (!over && !error.final) return;
    this.#end = end;
    this.#apply(over ? 'farewell' : 'error');
  }

  #badMessage(cause: string): void {
    this.#bad++;
    if (this.#bad === 1) this.#log.warn('agent sent what is not the protocol', { cause });
    if (this.#bad > this.#limits.badMessages) this.#fault(ending('agent-garbage', `${this.#bad} messages`));
  }

  #fault(end: Ending): void {
    this.#end = end;
    this.#apply('fault');
  }

  #gone(end: SocketEnd): void {
    // After a farewell the reason is known; the close only follows it.
    if (this.#state !== 'closed' && this.#state !== 'ending')
      this.#end = closingOf(end, this.#error, this.#progress);
    this.#apply('gone');
  }

  get #progress(): Progress {
    if (this.#state === 'connecting' || this.#state === 'preparing') return 'connecting';
    return this.#talking ? 'talking' : 'starting';
  }

  #apply(input: SessionInput): void {
    const { state, effects } = transition(this.#state, input);
    this.#state = state;
    for (const effect of effects) this.#effects[effect]();
  }

  readonly #effects: Readonly<Record<SessionEffect, () => void>> = {
    'send-initiation': () => this.#initiate(),
    'start-deadline': () => this.#startDeadline(),
    'start-grace': () => this.#arm(this.#limits.errorGraceMs, 'grace-over'),
    'start-farewell': () => this.#arm(this.#limits.farewellMs, 'farewell-over'),
    'stop-timer': () => this.#timer?.cancel(),
    announce: () => this.#announce(),
    report: () => this.#listener.ended(this.#end),
    'close-socket': () => this.#socket.close(normalClosure),
    'drop-socket': () => this.#socket.close(protocolError),
  };

  #startDeadline(): void {
    this.#arm(this.#start.startTimeoutMs, 'deadline');
  }

  /** One time is waited for at once: the one before it counts no more. */
  #arm(ms: number, input: SessionInput): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.timer(ms, () => {
      if (input === 'deadline') this.#end = ending('agent-start-timeout');
      this.#guard(() => this.#apply(input));
    });
  }

  #announce(): void {
    const metadata = this.#metadata;
    if (metadata === undefined) throw new Error('agent session: ready without metadata');
    this.#input = new CallerAudio({
      format: metadata.inputFormat,
      chunkMs: this.#start.inputChunkMs,
      socket: this.#socket,
      clock: this.#clock,
      limits: this.#limits,
      counts: this.#counts,
      stalled: () => this.#stalled(),
    });
    this.#listener.ready(metadata);
  }

  #stalled(): void {
    if (this.#talking) this.#fault(ending('agent-lost', 'it has stopped reading'));
  }
}

function isFormat(name: string): name is AudioFormat {
  return (audioFormats as readonly string[]).includes(name);
}

import { type Ending, ending } from '../core/ending.ts';
import { maskNumber } from '../core/mask.ts';
import { storeLimits } from './limits.ts';
import { qualityOf } from './quality.ts';
import type { CallBegin, CallEnd, CallRecord, CallUpdate, RecordPrivate, ToolRun, Turn } from './record.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The record of a call as far as it is known. */
export class CallDraft {
  readonly record: CallRecord;
  readonly #record: Writable<CallRecord>;
  #secret: RecordPrivate;

  constructor(begin: CallBegin, node: string, at: number) {
    const { callerId, calledNumber, variables, ...facts } = begin;
    this.#record = {
      ...facts,
      conversationId: localConversationId(begin.key),
      conversationIds: [],
      state: 'running',
      node,
      caller: maskNumber(callerId),
      called: maskNumber(calledNumber),
      stages: { begun: at },
      tools: [],
      messages: 0,
      warnings: [],
      answered: false,
      seconds: 0,
    };
    this.#secret = { callerId, calledNumber, variables, transcript: [] };
    this.record = this.#record;
  }

  /** Another object whenever something in it is another: what has not changed need not be sealed again. */
  get secret(): RecordPrivate {
    return this.#secret;
  }

  update(more: CallUpdate, at: number): void {
    const record = this.#record;
    if (more.conversation !== undefined) this.#conversation(more.conversation, at);
    if (more.answered === true && !record.answered) {
      record.answered = true;
      record.stages = { ...record.stages, answered: at };
    }
    if (more.streamSid !== undefined) record.streamSid = more.streamSid;
    if (more.verified !== undefined) record.verified = more.verified;
    if (more.recording !== undefined) record.recording = more.recording;
    if (more.variables !== undefined && !same(more.variables, this.#secret.variables)) {
      this.#secret = { ...this.#secret, variables: more.variables };
    }
    if (more.warning !== undefined && record.warnings.length < storeLimits.warnings) {
      record.warnings = [...record.warnings, more.warning];
    }
    if (more.transcript !== undefined) {
      const transcript = more.transcript.slice(0, storeLimits.turns).map(bounded);
      this.#secret = { ...this.#secret, transcript };
      record.messages = transcript.length;
    }
  }

  tool(run: ToolRun): void {
    if (this.#record.tools.length < storeLimits.toolRuns) this.#record.tools = [...this.#record.tools, run];
  }

  finish({ end, seconds, stats }: CallEnd, at: number): void {
    const record = this.#record;
    record.state = 'ended';
    record.end = end;
    record.seconds = seconds;
    record.stages = { ...record.stages, ended: at };
    if (stats === undefined) return;
    record.stats = stats;
    record.quality = qualityOf(stats);
  }

  #conversation({ id, input, output }: NonNullable<CallUpdate['conversation']>, at: number): void {
    const record = this.#record;
    if (record.conversationIds.includes(id)) return;
    if (record.conversationIds.length === 0) record.conversationId = id;
    if (record.conversationIds.length < storeLimits.conversations) {
      record.conversationIds = [...record.conversationIds, id];
    }
    record.agentFormats = { input, output };
    if (record.stages.agentReady === undefined) record.stages = { ...record.stages, agentReady: at };
  }
}

/** What a call is found by while no agent conversation has given it a better name, and ever after. */
export const localConversationId = (key: string): string => `conv_local_${key.replace(/^call_/, '')}`;

/** Every id that finds the record. One that is longer than `storeLimits.nameBytes` finds nothing. */
export function namesOf(record: CallRecord): string[] {
  const { key, conversationIds, callId, callSid = '', streamSid = '', sipCallId } = record;
  const names = [key, localConversationId(key), ...conversationIds, callId, callSid, streamSid, sipCallId];
  return [...new Set(names.filter(name => name !== '' && Buffer.byteLength(name) <= storeLimits.nameBytes))];
}

/** A record that was found running although nothing carries its call any more. */
export function interrupted(record: CallRecord, at: number, detail?: string): CallRecord {
  const end: Ending = ending('interrupted', detail);
  const { answered } = record.stages;
  const seconds = answered === undefined ? 0 : Math.max(0, at - answered) / 1000;
  return { ...record, state: 'ended', end, seconds, stages: { ...record.stages, ended: at } };
}

function same(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every(name => a[name] === b[name]);
}

function bounded(turn: Turn): Turn {
  if (turn.message.length <= storeLimits.messageBytes) return turn;
  return { ...turn, message: `${turn.message.slice(0, storeLimits.messageBytes)}…` };
}

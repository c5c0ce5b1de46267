import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { AgentToolCall } from '../../src/agent/agent.ts';
import { ElevenLabsSession } from '../../src/agent/elevenlabs/session.ts';
import { type ConnectAgent, connectWith } from '../../src/agent/elevenlabs/socket.ts';
import { TicketOffice } from '../../src/agent/elevenlabs/ticket.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { SimAgent } from '../../src/sim/agent/agent.ts';
import type { SimScript } from '../../src/sim/agent/options.ts';
import { unmasked } from '../unit/agent/elevenlabs/fake-socket.ts';
import { RecordingListener } from '../unit/agent/elevenlabs/recording-listener.ts';

// The schema belongs to ElevenLabs and is no part of this project: where it is not, this suite is skipped.
const schemaFile = fileURLToPath(new URL('../../../shared/elevenlabs/agent.asyncapi.yaml', import.meta.url));

interface Schema {
  readonly $ref?: string;
  readonly nullable?: boolean;
  readonly properties?: { readonly type?: { readonly const?: string } };
}

interface AsyncApi {
  readonly channels: Record<
    'AgentMessages',
    Record<
      'publish' | 'subscribe',
      { readonly message: { readonly oneOf: readonly { readonly $ref: string }[] } }
    >
  >;
  readonly components: {
    readonly messages: Record<string, { readonly payload: { readonly $ref: string } }>;
    readonly schemas: Record<string, Schema>;
  };
}

/** Ajv does not take `nullable` beside `$ref`, which OpenAPI 3.0 has. */
function plain(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(plain);
  if (typeof node !== 'object' || node === null) return node;
  const { $ref, nullable } = node as Schema;
  if ($ref !== undefined && nullable === true) return { anyOf: [{ $ref }, { type: 'null' }] };
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, plain(value)]));
}

/** Validates messages of one direction by the schema of their type. */
class Direction {
  readonly #ajv = new Ajv({ strict: false, formats: { base64: true, 'date-time': true } });
  /** Schema name by message type; caller sound, which has none, under the empty text. */
  readonly #names = new Map<string, string>();

  constructor(document: AsyncApi, direction: 'publish' | 'subscribe') {
    this.#ajv.addSchema({ $id: 'agent', components: plain(document.components) as object });
    for (const { $ref } of document.channels.AgentMessages[direction].message.oneOf) {
      const { payload } = document.components.messages[last($ref)]!;
      const name = last(payload.$ref);
      this.#names.set(document.components.schemas[name]?.properties?.type?.const ?? '', name);
    }
  }

  /** What is wrong with a message; nothing when it is right. */
  faults(message: Record<string, unknown>): string[] {
    const name = this.#names.get(String(message['type'] ?? ''));
    if (name === undefined) return [`no message has the type ${message['type']}`];
    const validate = this.#ajv.getSchema(`agent#/components/schemas/${name}`)!;
    if (validate(message) === true) return [];
    return (validate.errors ?? []).map(error => `${message['type']}${error.instancePath} ${error.message}`);
  }
}

const last = (ref: string) => ref.slice(ref.lastIndexOf('/') + 1);

/** Everything that went over the wire in one conversation. */
interface Traffic {
  readonly toAgent: Record<string, unknown>[];
  readonly fromAgent: Record<string, unknown>[];
}

function tapped(traffic: Traffic): ConnectAgent {
  const connect = connectWith();
  return (url, listener) => {
    const socket = connect(url, {
      ...listener,
      text: data => {
        traffic.fromAgent.push(JSON.parse(data.toString()));
        listener.text(data);
      },
    });
    return {
      get bufferedBytes() {
        return socket.bufferedBytes;
      },
      get idle() {
        return socket.idle;
      },
      write: frame => {
        traffic.toAgent.push(JSON.parse(unmasked(frame).toString()));
        return socket.write(frame);
      },
      send: message => {
        traffic.toAgent.push(JSON.parse(message.toString()));
        socket.send(message);
      },
      close: code => socket.close(code),
    };
  };
}

/** Answers tools and keys codes as a caller with a wrong and then a right code would. */
function answer(call: AgentToolCall, session: ElevenLabsSession, checks: number): void {
  const status = call.name === 'check_SMS_verification' && checks > 1 ? 'approved' : 'pending';
  session.answerTool({ id: call.id, result: JSON.stringify({ status }), isError: false });
  if (status === 'approved') return;
  session.tell('The caller is typing', 'context');
  session.tell('493817', 'turn');
}

async function hold(script: SimScript): Promise<Traffic> {
  const agent = await SimAgent.start({ otherwise: script, pingMs: 10, leadMs: 60_000 });
  const { baseUrl, apiKey } = agent;
  const office = new TicketOffice({ baseUrl, apiKey, timeoutMs: 10_000, log: silentLogger });
  const ticket = await office.signedUrl('agent_test');
  if (!ticket.ok) throw ticket.failure;
  const traffic: Traffic = { toAgent: [], fromAgent: [] };
  const listener = new RecordingListener();
  const session = new ElevenLabsSession({
    start: {
      url: ticket.value,
      dynamicVariables: { caller_id: '+14155550123', vip: true, visits: 3 },
      userId: 'caller',
      startTimeoutMs: 10_000,
      inputChunkMs: 20,
    },
    listener,
    clock: systemClock,
    log: silentLogger,
    connect: tapped(traffic),
  });
  let answered = 0;
  await listener.until(({ calls, endings, metadata, sounds }) => {
    if (metadata !== undefined) session.input?.write(Buffer.alloc(640, 1));
    for (; answered < calls.length; answered++) answer(calls[answered]!, session, answered);
    return endings.length > 0 || (script.mode === 'echo' && sounds.length > 3);
  });
  session.close();
  await agent.close();
  return traffic;
}

const scripts: readonly SimScript[] = [
  { mode: 'echo' },
  { mode: 'echo', inputFormat: 'ulaw_8000', outputFormat: 'pcm_44100' },
  { mode: 'tone', hz: 440, seconds: 1, endCall: true },
  { mode: 'otp' },
  {
    mode: 'misbehave',
    how: { kind: 'close', code: 1002, errorType: 'llm_error', when: { afterMetadataMs: 30 } },
  },
  { mode: 'misbehave', how: { kind: 'queue', waitMs: 10, outcome: 'timed_out', metadata: 'first' } },
];

describe.skipIf(!existsSync(schemaFile))('the conversation protocol by the schema of ElevenLabs', () => {
  const all: Traffic = { toAgent: [], fromAgent: [] };
  let toAgent: Direction;
  let fromAgent: Direction;

  beforeAll(async () => {
    const document: AsyncApi = parse(readFileSync(schemaFile, 'utf8'));
    toAgent = new Direction(document, 'subscribe');
    fromAgent = new Direction(document, 'publish');
    for (const script of scripts) {
      const traffic = await hold(script);
      all.toAgent.push(...traffic.toAgent);
      all.fromAgent.push(...traffic.fromAgent);
    }
  });

  it('has every message that the bridge sends', () => {
    expect(all.toAgent.flatMap(message => toAgent.faults(message))).toEqual([]);
    expect(new Set(all.toAgent.map(message => message['type'] ?? 'user_audio_chunk'))).toEqual(
      new Set([
        'conversation_initiation_client_data',
        'pong',
        'user_audio_chunk',
        'client_tool_result',
        'user_message',
        'contextual_update',
      ]),
    );
  });

  it('has every message that the stand-in sends, but queue_status, which only the documentation has', () => {
    const known = all.fromAgent.filter(message => message['type'] !== 'queue_status');
    expect(known.flatMap(message => fromAgent.faults(message))).toEqual([]);
    expect(new Set(all.fromAgent.map(message => message['type']))).toEqual(
      new Set([
        'conversation_initiation_metadata',
        'audio',
        'ping',
        'agent_response',
        'client_tool_call',
        'agent_tool_response',
        'error',
        'queue_status',
      ]),
    );
  });

  it('refuses messages that are wrong, so that the two before mean something', () => {
    expect(
      fromAgent.faults({ type: 'audio', audio_event: { audio_base64: 'AAAA', event_id: 1 } }),
    ).not.toEqual([]);
    expect(fromAgent.faults({ type: 'queue_status', queue_status_event: {} })).not.toEqual([]);
    expect(toAgent.faults({ type: 'pong', event_id: '7' })).not.toEqual([]);
    expect(toAgent.faults({ user_audio_chunk: 7 })).not.toEqual([]);
  });
});

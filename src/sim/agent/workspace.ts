import { randomBytes } from 'node:crypto';

type Json = Record<string, unknown>;

/** What the stand-in answers: a status and a body. */
export interface WorkspaceAnswer {
  readonly status: number;
  readonly body: object;
}

/** A request as a workspace was asked it, for tests to look at. */
export interface WorkspaceRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

const answer = (body: object, status = 200): WorkspaceAnswer => ({ status, body });
const refusal = (status: number, word: string): WorkspaceAnswer =>
  answer({ detail: { status: word, message: 'refused by the stand-in' } }, status);
const missing = (...loc: string[]): WorkspaceAnswer =>
  answer({ detail: [{ loc: ['body', ...loc], msg: 'Field required', type: 'missing' }] }, 422);

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fields that are given replace those that are there; objects are gone into, lists are not. */
function patched(present: unknown, change: unknown): unknown {
  if (!isObject(present) || !isObject(change)) return change;
  const result: Json = { ...present };
  for (const [key, value] of Object.entries(change)) result[key] = patched(present[key], value);
  return result;
}

/** How ElevenLabs makes a new agent. */
const freshAgent = {
  asr: { user_input_audio_format: 'pcm_16000' },
  tts: { agent_output_audio_format: 'pcm_16000' },
  turn: { turn_timeout: 7, silence_end_call_timeout: -1 },
  conversation: {
    text_only: false,
    max_duration_seconds: 600,
    client_events: [
      'audio',
      'interruption',
      'agent_response',
      'user_transcript',
      'conversation_initiation_metadata',
      'ping',
    ],
  },
  agent: {
    first_message: '',
    language: 'en',
    prompt: { prompt: '', tool_ids: [] as string[], built_in_tools: {} as Json },
  },
};

/** What ElevenLabs adds to a tool that does not say it. */
const toolDefaults = { response_timeout_secs: 20, assignments: [], tool_call_sound: null };

/** Entries of one page of a list. */
const pageSize = 2;

/** The stand-in's agents, tools and secrets, as ElevenLabs' REST API shows and changes them. */
export class SimWorkspace {
  readonly agents = new Map<string, Json>();
  readonly tools = new Map<string, Json>();
  /** Values too, which the API never gives back. */
  readonly secrets = new Map<string, { readonly name: string; readonly value: string }>();
  readonly requests: WorkspaceRequest[] = [];

  addAgent(id: string, config: object = {}, settings: object = {}): void {
    this.agents.set(id, {
      agent_id: id,
      name: id,
      conversation_config: patched(freshAgent, config),
      metadata: { created_at_unix_secs: 0, updated_at_unix_secs: 0 },
      platform_settings: settings,
    });
  }

  addTool(config: object): string {
    const id = `tool_${randomBytes(6).toString('hex')}`;
    this.tools.set(id, { ...toolDefaults, ...config });
    return id;
  }

  /** Answers a request below `/v1/convai`; undefined for what is no part of a workspace. */
  answer(method: string, url: URL, body: unknown): WorkspaceAnswer | undefined {
    const [kind, id, ...more] = url.pathname.replace(/^\/v1\/convai\//, '').split('/');
    if (more.length > 0 || (kind !== 'agents' && kind !== 'tools' && kind !== 'secrets')) return undefined;
    this.requests.push({ method, path: `${url.pathname}${url.search}`, body });
    const change = isObject(body) ? body : {};
    if (kind === 'agents') return this.#agents(method, id, change);
    return kind === 'tools' ? this.#tools(method, id, change, url) : this.#secrets(method, id, change, url);
  }

  #agents(method: string, id: string | undefined, body: Json): WorkspaceAnswer {
    if (method === 'POST' && id === 'create') {
      if (!isObject(body['conversation_config'])) return missing('conversation_config');
      const fresh = `agent_${randomBytes(6).toString('hex')}`;
      this.addAgent(fresh, body['conversation_config']);
      return answer({ agent_id: fresh });
    }
    const agent = this.agents.get(id ?? '');
    if (agent === undefined) return refusal(404, 'agent_not_found');
    if (method === 'GET') return answer(agent);
    if (method !== 'PATCH') return refusal(405, 'method_not_allowed');
    const next = patched(agent, body) as Json;
    const ids = toolIds(next);
    if (ids.some(each => !this.tools.has(each))) return refusal(404, 'tool_not_found');
    this.agents.set(String(id), next);
    return answer(next);
  }

  #tools(method: string, id: string | undefined, body: Json, url: URL): WorkspaceAnswer {
    if (id === undefined && method === 'GET')
      return answer(this.#page('tools', [...this.tools].map(shownTool), url));
    const config = body['tool_config'];
    if (method !== 'GET' && !isObject(config)) return missing('tool_config');
    if (id === undefined && method === 'POST') {
      const fresh = this.addTool(config as object);
      return answer(shownTool([fresh, this.tools.get(fresh) ?? {}]));
    }
    const tool = this.tools.get(id ?? '');
    if (tool === undefined) return refusal(404, 'tool_not_found');
    if (method === 'PATCH') this.tools.set(String(id), { ...toolDefaults, ...(config as object) });
    return answer(shownTool([String(id), this.tools.get(String(id)) ?? {}]));
  }

  #secrets(method: string, id: string | undefined, body: Json, url: URL): WorkspaceAnswer {
    if (id === undefined && method === 'GET') {
      return answer(this.#page('secrets', [...this.secrets].map(shownSecret), url));
    }
    const { name, value } = body;
    if (typeof name !== 'string' || typeof value !== 'string') return missing('value');
    if (id !== undefined && !this.secrets.has(id)) return refusal(404, 'secret_not_found');
    const known = id ?? `secret_${randomBytes(6).toString('hex')}`;
    this.secrets.set(known, { name, value });
    return answer({ type: 'stored', secret_id: known, name });
  }

  #page(key: string, all: readonly object[], url: URL): object {
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const more = from + pageSize < all.length;
    return {
      [key]: all.slice(from, from + pageSize),
      has_more: more,
      next_cursor: more ? String(from + pageSize) : null,
    };
  }
}

function toolIds(agent: Json): readonly string[] {
  const config = agent['conversation_config'] as { agent?: { prompt?: { tool_ids?: string[] } } };
  return config.agent?.prompt?.tool_ids ?? [];
}

const shownTool = ([id, config]: readonly [string, Json]) => ({
  id,
  tool_config: config,
  access_info: { is_creator: true, creator_name: 'sim', creator_email: 'sim@example.net', role: 'admin' },
  usage_stats: { total_calls: 0, avg_latency_secs: 0 },
});

const shownSecret = ([id, { name }]: readonly [string, { name: string }]) => ({
  type: 'stored',
  secret_id: id,
  name,
  used_by: { tools: [], agents: [], others: [], phone_numbers: [] },
});

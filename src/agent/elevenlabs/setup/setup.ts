import { Failure, fail, ok, type Result } from '../../../core/errors.ts';
import { type AgentTool, type AgentView, agentView, type StoredTool, storedTool } from './agent-view.ts';
import { covers, merged } from './merge.ts';
import { type AudioKind, formatOf, neededEvents, neededSystemTools, usefulEvents } from './needs.ts';
import { mergedPrompt } from './prompt.ts';
import type { ElevenLabsRest } from './rest.ts';

/** What an agent shall become. */
export interface SetupWish {
  /** Tools by ElevenLabs' shapes (`toolConfigs`). */
  readonly tools: readonly AgentTool[];
  /** Formats for both directions; absent: those that it has stay. */
  readonly audio?: AudioKind;
}

/** What is done to one tool of the workspace. */
export type ToolStep =
  | { readonly kind: 'keep'; readonly id: string; readonly name: string }
  | { readonly kind: 'attach'; readonly id: string; readonly name: string }
  | { readonly kind: 'update'; readonly id: string; readonly name: string; readonly config: AgentTool }
  | { readonly kind: 'create'; readonly name: string; readonly config: AgentTool };

/** Everything that setup would do, before it does it. */
export interface SetupPlan {
  readonly tools: readonly ToolStep[];
  /** Tools of the same names and another type, which the agent would have beside the new ones. */
  readonly replaced: readonly string[];
  /** `conversation_config` of the PATCH, the ids of tools left out; undefined when nothing else changes. */
  readonly patch: Readonly<Record<string, unknown>> | undefined;
  /** One line for a person for each thing that changes. */
  readonly changes: readonly string[];
}

/** An agent and the tools of its workspace, read together. Failures are those of `ElevenLabsRest`. */
export interface Workspace {
  readonly agent: AgentView;
  readonly tools: readonly StoredTool[];
}

export async function readWorkspace(rest: ElevenLabsRest, agentId: string): Promise<Result<Workspace>> {
  const [agent, tools] = await Promise.all([
    rest.get(`/v1/convai/agents/${encodeURIComponent(agentId)}`),
    rest.list('/v1/convai/tools', 'tools'),
  ]);
  if (!agent.ok) return agent;
  if (!tools.ok) return tools;
  const view = agentView.safeParse(agent.value);
  if (!view.success) return fail(new Failure('failed', 'the agent does not look as its API describes it'));
  // A tool of a type that is not known here is none of ours.
  const known = tools.value.flatMap(each => storedTool.safeParse(each).data ?? []);
  return ok({ agent: view.data, tools: known });
}

export const toolIdsOf = (agent: AgentView): readonly string[] =>
  agent.conversation_config.agent?.prompt?.tool_ids ?? [];

/** What has to change of an agent so that it is what is wished. Nothing that is there is taken away. */
export function planSetup({ agent, tools }: Workspace, wish: SetupWish): SetupPlan {
  const attached = new Set(toolIdsOf(agent));
  const steps = wish.tools.map(config => toolStep(config, tools, attached));
  const replaced = tools.filter(
    ({ id, tool_config }) =>
      attached.has(id) &&
      steps.some(step => step.name === tool_config.name && !('id' in step && step.id === id)),
  );
  const { patch, changes } = agentPatch(agent, wish);
  return {
    tools: steps,
    replaced: replaced.map(({ id }) => id),
    patch,
    changes: [
      ...steps.flatMap(step => (step.kind === 'keep' ? [] : [`tool ${step.name}: ${stepWords[step.kind]}`])),
      ...replaced.map(
        ({ tool_config: { name, type } }) =>
          `tool ${name}: the ${type} tool of that name is taken off the agent`,
      ),
      ...changes,
    ],
  };
}

const stepWords = {
  attach: 'is in the workspace and is given to the agent',
  update: 'is brought up to date',
  create: 'is made and given to the agent',
} as const;

function toolStep(config: AgentTool, tools: readonly StoredTool[], attached: ReadonlySet<string>): ToolStep {
  const { name, type } = config;
  const same = tools.filter(({ tool_config: each }) => each.name === name && each.type === type);
  const own = same.find(({ id }) => attached.has(id));
  if (own !== undefined) {
    const { id, tool_config: present } = own;
    if (covers(present, config)) return { kind: 'keep', id, name };
    return { kind: 'update', id, name, config: merged(present, config) as AgentTool };
  }
  // One that other agents have may only be used as it is.
  const usable = same.find(({ tool_config: present }) => covers(present, config));
  return usable === undefined ? { kind: 'create', name, config } : { kind: 'attach', id: usable.id, name };
}

function agentPatch(agent: AgentView, { audio }: SetupWish) {
  const { asr, tts, conversation, agent: inner } = agent.conversation_config;
  const changes: string[] = [];
  const patch: Record<string, object> = {};
  const format = audio === undefined ? undefined : formatOf[audio];
  if (format !== undefined && asr?.user_input_audio_format !== format) {
    patch['asr'] = { user_input_audio_format: format };
    changes.push(`input format: ${asr?.user_input_audio_format ?? 'unset'} becomes ${format}`);
  }
  if (format !== undefined && tts?.agent_output_audio_format !== format) {
    patch['tts'] = { agent_output_audio_format: format };
    changes.push(`output format: ${tts?.agent_output_audio_format ?? 'unset'} becomes ${format}`);
  }
  const events = conversation?.client_events ?? [];
  const missing = [...Object.keys(neededEvents), ...Object.keys(usefulEvents)].filter(
    event => !events.includes(event),
  );
  const talk: Record<string, unknown> = {};
  if (missing.length > 0) {
    talk['client_events'] = [...events, ...missing];
    changes.push(`client events: ${missing.join(', ')} added`);
  }
  if (conversation?.text_only === true) {
    talk['text_only'] = false;
    changes.push('text only: switched off');
  }
  if (Object.keys(talk).length > 0) patch['conversation'] = talk;
  const prompt = promptPatch(inner?.prompt?.prompt ?? '', inner?.prompt?.built_in_tools ?? {}, changes);
  if (prompt !== undefined) patch['agent'] = { prompt };
  return { patch: Object.keys(patch).length === 0 ? undefined : patch, changes };
}

function promptPatch(text: string, builtIn: Readonly<Record<string, unknown>>, changes: string[]) {
  const patch: Record<string, unknown> = {};
  const prompt = mergedPrompt(text);
  if (prompt !== undefined) {
    patch['prompt'] = prompt;
    changes.push(
      text.trim() === '' ? 'prompt: written' : 'prompt: a part on verifying the caller added at its end',
    );
  }
  const lacking = Object.entries(neededSystemTools).filter(([name]) => (builtIn[name] ?? null) === null);
  if (lacking.length > 0) {
    patch['built_in_tools'] = {
      ...builtIn,
      ...Object.fromEntries(lacking.map(([name, { config }]) => [name, config])),
    };
    changes.push(`system tools: ${lacking.map(([name]) => name).join(', ')} added`);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Carries a plan out: tools first, so that a run that breaks off leaves the agent as it was and can be repeated. */
export async function applySetup(
  rest: ElevenLabsRest,
  { agent }: Workspace,
  plan: SetupPlan,
): Promise<Result<void>> {
  const ids: string[] = [];
  for (const step of plan.tools) {
    const id = await applyTool(rest, step);
    if (!id.ok) return id;
    ids.push(id.value);
  }
  const before = toolIdsOf(agent);
  const after = [...new Set([...before.filter(id => !plan.replaced.includes(id)), ...ids])];
  const toolsChange = after.length !== before.length || after.some(id => !before.includes(id));
  if (plan.patch === undefined && !toolsChange) return ok(undefined);
  const inner = (plan.patch?.['agent'] as { prompt?: object } | undefined)?.prompt;
  const prompt = { ...inner, ...(toolsChange ? { tool_ids: after } : {}) };
  const body = {
    conversation_config: {
      ...plan.patch,
      ...(Object.keys(prompt).length === 0 ? {} : { agent: { prompt } }),
    },
  };
  const patched = await rest.patch(`/v1/convai/agents/${encodeURIComponent(agent.agent_id)}`, body);
  return patched.ok ? ok(undefined) : patched;
}

async function applyTool(rest: ElevenLabsRest, step: ToolStep): Promise<Result<string>> {
  if (step.kind === 'keep' || step.kind === 'attach') return ok(step.id);
  if (step.kind === 'update') {
    const path = `/v1/convai/tools/${encodeURIComponent(step.id)}`;
    const updated = await rest.patch(path, { tool_config: step.config });
    return updated.ok ? ok(step.id) : updated;
  }
  const created = await rest.post('/v1/convai/tools', { tool_config: step.config });
  if (!created.ok) return created;
  const id = (created.value as { id?: unknown } | null)?.id;
  return typeof id === 'string'
    ? ok(id)
    : fail(new Failure('failed', `tool ${step.name} was made without an id`));
}

/** Makes an agent that has nothing but a name; settles with its id. */
export async function createAgent(rest: ElevenLabsRest, name: string): Promise<Result<string>> {
  const created = await rest.post('/v1/convai/agents/create', { name, conversation_config: {} });
  if (!created.ok) return created;
  const id = (created.value as { agent_id?: unknown } | null)?.agent_id;
  return typeof id === 'string' ? ok(id) : fail(new Failure('failed', 'an agent was made without an id'));
}

/** Keeps a secret of the workspace under that name, whatever it held before; settles with its id. */
export async function storeSecret(
  rest: ElevenLabsRest,
  name: string,
  value: string,
): Promise<Result<string>> {
  const listed = await rest.list('/v1/convai/secrets', 'secrets');
  if (!listed.ok) return listed;
  const known = listed.value.find(each => (each as { name?: unknown }).name === name);
  const id = (known as { secret_id?: unknown } | undefined)?.secret_id;
  if (typeof id === 'string') {
    const updated = await rest.patch(`/v1/convai/secrets/${encodeURIComponent(id)}`, {
      type: 'update',
      name,
      value,
    });
    return updated.ok ? ok(id) : updated;
  }
  const stored = await rest.post('/v1/convai/secrets', { type: 'new', name, value });
  if (!stored.ok) return stored;
  const fresh = (stored.value as { secret_id?: unknown } | null)?.secret_id;
  return typeof fresh === 'string'
    ? ok(fresh)
    : fail(new Failure('failed', 'a secret was kept without an id'));
}

import { z } from 'zod';
import { fail, ok, type Result } from '../../../core/errors.ts';
import { maskDigits } from '../../../core/mask.ts';
import { isShallow } from '../../../core/shallow.ts';
import type { ConversationOverrides } from '../../agent.ts';

/** What others want a conversation to begin with, checked. */
export interface ClientData {
  readonly variables: Readonly<Record<string, string | number | boolean>>;
  readonly overrides?: ConversationOverrides;
  readonly extraBody?: Readonly<Record<string, unknown>>;
  readonly userId?: string;
  /** Not ElevenLabs': the E.164 number that must be verified before anything sensitive is done. */
  readonly verifyNumber?: string;
  /** Keys that were there and are not used, as paths. */
  readonly ignored: readonly string[];
}

export const clientDataLimits = {
  variables: 500,
  nameCharacters: 128,
  /** One text: a prompt is the longest there is. */
  textCharacters: 131_072,
  listItems: 100,
  /** Levels of objects and lists inside each other. */
  depth: 16,
  /** Ignored keys that are named. */
  ignored: 20,
} as const;

const text = z.string().max(clientDataLimits.textCharacters);
const list = <T extends z.ZodType>(item: T) => z.array(item).max(clientDataLimits.listItems);
const object = z.record(z.string(), z.unknown());
const share = z.number().min(0).max(1);

/** Every field of `conversation_config_override` that makes sense on a telephone, by its path. */
const overrideFields: Readonly<Record<string, z.ZodType>> = {
  'agent.first_message': text,
  'agent.language': z.string().regex(/^[a-z]{2,3}(-[a-z]{2,4})?$/),
  'agent.max_conversation_duration_message': text,
  'agent.native_mcp_server_ids': z.array(text).max(10),
  'agent.prompt.prompt': text,
  'agent.prompt.llm': text,
  'agent.prompt.tool_ids': list(text),
  'agent.prompt.tool_ids_strict': z.boolean(),
  'agent.prompt.native_mcp_server_ids': z.array(text).max(10),
  'agent.prompt.knowledge_base': list(object),
  'asr.keywords': list(text),
  'tts.voice_id': text,
  'tts.model_id': text,
  'tts.stability': share,
  'tts.similarity_boost': share,
  'tts.speed': z.number().min(0.7).max(5),
  'tts.supported_voices': list(object),
  'tts.pronunciation_dictionary_locators': list(object),
  'turn.soft_timeout_config': object,
  'conversation.max_duration_seconds': z.number().int().min(1).max(86_400),
};

const variable = z.union([text, z.number(), z.boolean()]);
const typeName = 'conversation_initiation_client_data';
const kept: Readonly<Record<string, z.ZodType>> = {
  type: z.literal(typeName),
  user_id: z.string().min(1).max(256),
  custom_llm_extra_body: object,
  verify_number: z.string().regex(/^\+[1-9]\d{6,14}$/),
};

/** Names that begin so belong to ElevenLabs: they are never sent. */
const reserved = 'system__';

/**
 * Reads the object that ElevenLabs takes from an initiation webhook. One wrong value makes all of it unusable, because
 * half of what was meant may be worse than nothing; keys that nobody knows here are left out and named. The failure is a list
 * of clauses that name keys and never repeat a value. `null` counts as not there, except among the variables.
 */
export function readClientData(given: unknown): Result<ClientData, readonly string[]> {
  if (!isObject(given)) return fail(['it is no JSON object']);
  if (!isShallow(given, clientDataLimits.depth))
    return fail([`it has more than ${clientDataLimits.depth} levels`]);
  const reading = new Reading();
  const variables = reading.variables(given['dynamic_variables']);
  const overrides = reading.overrides(given['conversation_config_override']);
  const {
    user_id: userId,
    custom_llm_extra_body: extraBody,
    verify_number: verifyNumber,
  } = reading.rest(given);
  if (reading.problems.length > 0) return fail(reading.problems);
  return ok({
    variables,
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
    ...(extraBody === undefined ? {} : { extraBody: extraBody as Record<string, unknown> }),
    ...(userId === undefined ? {} : { userId: userId as string }),
    ...(verifyNumber === undefined ? {} : { verifyNumber: verifyNumber as string }),
    ignored: reading.ignored.slice(0, clientDataLimits.ignored),
  });
}

/** `more` wins, field by field. */
export function mergeOverrides(
  base: ConversationOverrides | undefined,
  more: ConversationOverrides | undefined,
): ConversationOverrides | undefined {
  if (base === undefined || more === undefined) return more ?? base;
  return merged(base, more) as ConversationOverrides;
}

function merged(base: object, more: object): object {
  const both: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(more)) {
    const old = both[key];
    both[key] = isObject(old) && isObject(value) ? merged(old, value) : value;
  }
  return both;
}

class Reading {
  readonly problems: string[] = [];
  readonly ignored: string[] = [];

  variables(given: unknown): Record<string, string | number | boolean> {
    if (given === undefined || given === null) return {};
    if (!isObject(given)) {
      this.problems.push('dynamic_variables is no object');
      return {};
    }
    const found = new Map<string, string | number | boolean>();
    for (const [name, value] of Object.entries(given)) {
      const key = `dynamic_variables.${shown(name)}`;
      const read = variable.safeParse(value);
      if (name.startsWith(reserved)) this.ignored.push(key);
      else if (name === '' || name.length > clientDataLimits.nameCharacters)
        this.problems.push(`${key} has no usable name`);
      else if (read.success) found.set(name, read.data);
      else this.problems.push(`${key} is neither text, a number, true nor false`);
    }
    if (found.size > clientDataLimits.variables)
      this.problems.push(`dynamic_variables has more than ${clientDataLimits.variables}`);
    return Object.fromEntries(found);
  }

  overrides(given: unknown): Record<string, Record<string, unknown>> {
    if (given === undefined || given === null) return {};
    if (isObject(given)) return this.#branch(given, '') as Record<string, Record<string, unknown>>;
    this.problems.push('conversation_config_override is no object');
    return {};
  }

  rest(given: Record<string, unknown>): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(given)) {
      if (key === 'dynamic_variables' || key === 'conversation_config_override' || value === null) continue;
      const field = Object.hasOwn(kept, key) ? kept[key] : undefined;
      if (field === undefined) this.ignored.push(shown(key));
      else if (field.safeParse(value).success) found[key] = value;
      else this.problems.push(`${key} is not what it must be`);
    }
    return found;
  }

  /** Copies what the table knows below `path`. */
  #branch(given: Record<string, unknown>, path: string): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(given)) {
      const at = `${path}${shown(key)}`;
      const field = Object.hasOwn(overrideFields, at) ? overrideFields[at] : undefined;
      const told = `conversation_config_override.${at}`;
      if (value === null) continue;
      if (field !== undefined) {
        if (field.safeParse(value).success) found[key] = value;
        else this.problems.push(`${told} is not what it must be`);
      } else if (!Object.keys(overrideFields).some(known => known.startsWith(`${at}.`)))
        this.ignored.push(told);
      else if (!isObject(value)) this.problems.push(`${told} is no object`);
      else {
        const inner = this.#branch(value, `${at}.`);
        if (Object.keys(inner).length > 0) found[key] = inner;
      }
    }
    return found;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A key as a log may show it: it came from outside, and whoever keeps data by telephone number has it for a key. */
const shown = (key: string): string => maskDigits(key.replace(/[^\w.-]/g, '?')).slice(0, 64);

import { z } from 'zod';
import { maskNumber } from '../../core/mask.ts';
import {
  type CallStatus,
  callStatuses,
  fetchCall,
  listCalls,
  listRecordings,
  type TwilioCall,
} from '../../twilio/calls.ts';
import { day, limit, optional, phone, required, sid, word } from '../field.ts';
import { withRows } from '../rows.ts';
import type { Tool, ToolContext, ToolResult } from '../tool.ts';
import { looked, type ToolSpec, type TwilioToolParts } from '../twilio-parts.ts';
import { quoted } from '../untrusted.ts';
import { numbersOf } from '../whose-number.ts';

export const callActions = ['list_recent', 'get_details', 'get_recordings'] as const;

interface CallFilters {
  readonly to?: string | undefined;
  readonly from?: string | undefined;
  readonly status?: CallStatus | undefined;
  readonly start_date_after?: Date | undefined;
  readonly start_date_before?: Date | undefined;
}

interface CallsInput {
  readonly action: (typeof callActions)[number];
  readonly call_sid?: string | undefined;
  readonly filters?: CallFilters | undefined;
  readonly limit: number;
}

const name = 'twilio_manage_calls';

/** An object, or the JSON text of one: a webhook tool that sends its fields URL-encoded has text for everything. */
function objectOrJson(value: unknown): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function filtersOf(country: string | undefined) {
  return z.preprocess(
    objectOrJson,
    z.object({
      to: optional(phone(country), { description: 'Only calls to this number.' }),
      from: optional(phone(country), { description: 'Only calls from this number.' }),
      status: optional(word(callStatuses), {
        description: 'Only calls in this state.',
      }),
      start_date_after: optional(day(), {
        description: 'Begun on or after this day, for instance 2026-01-31.',
      }),
      start_date_before: optional(day(), { description: 'Begun on or before this day.' }),
    }),
  );
}

export function callsSpec(country: string | undefined): ToolSpec<CallsInput> {
  const fields = z.object({
    action: required(word(callActions), {
      description:
        'list_recent lists the newest calls that fit the filters; get_details is one call; get_recordings says which recordings it has.',
    }),
    call_sid: optional(sid('CA'), {
      description: 'get_details and get_recordings: CA…, as list_recent gave it.',
    }),
    filters: optional(filtersOf(country), { description: 'list_recent: which calls are meant.' }),
    limit: limit(100, 20, 'calls or recordings'),
  });
  return {
    name,
    description:
      'Looks into the list of calls of the Twilio account: who called when, for how long, with what outcome, and whether there is a recording. It only reads: no call can be made, changed or ended with it. Give to or from whenever you can: without them only callers whom the operator trusts may look.',
    input: fields.check(({ value, issues }) => {
      if (value.action === 'list_recent' || value.call_sid !== undefined) return;
      issues.push({ code: 'custom', path: ['call_sid'], message: 'is missing', input: value });
    }),
  };
}

/** `twilio_manage_calls`, which only reads. */
export function createCallsTool(parts: TwilioToolParts): Tool {
  const tool: Tool<CallsInput> = {
    ...callsSpec(parts.country),
    run(input, context, signal) {
      const { action, call_sid } = input;
      if (action === 'list_recent' || call_sid === undefined) return recent(parts, input, context, signal);
      return action === 'get_recordings'
        ? recordings(parts, call_sid, input.limit, context, signal)
        : details(parts, call_sid, context, signal);
    },
  };
  return tool as Tool;
}

async function recent(
  parts: TwilioToolParts,
  { filters = {}, limit: most }: CallsInput,
  context: ToolContext,
  signal: AbortSignal,
): Promise<ToolResult> {
  const { to, from, status, start_date_after, start_date_before } = filters;
  const reading = {
    tool: name,
    action: 'list_recent',
    numbers: numbersOf(context, parts.country, to, from),
  };
  const filter = { to, from, status, startedAfter: start_date_after, startedBefore: start_date_before };
  const found = await looked(parts, reading, context, client => listCalls(client, filter, most, signal));
  if (!found.ok) return found.failure;
  if (found.value.length === 0) return { status: 'none', message: 'There are no such calls.' };
  const rows = found.value.map(rowOf);
  return withRows(
    { status: 'found', message: `These are the newest calls that fit: ${rows.length}.` },
    'calls',
    rows,
  );
}

async function details(
  parts: TwilioToolParts,
  callSid: string,
  context: ToolContext,
  signal: AbortSignal,
): Promise<ToolResult> {
  const reading = { tool: name, action: 'get_details', ...ownCall(callSid, context) };
  const found = await looked(parts, reading, context, client => fetchCall(client, callSid, signal));
  if (!found.ok) return found.failure;
  const { status: call_status, ...row } = rowOf(found.value);
  return { status: 'found', message: 'This is the call.', call_status, ...row };
}

async function recordings(
  parts: TwilioToolParts,
  callSid: string,
  most: number,
  context: ToolContext,
  signal: AbortSignal,
): Promise<ToolResult> {
  const reading = { tool: name, action: 'get_recordings', ...ownCall(callSid, context) };
  const found = await looked(parts, reading, context, client =>
    listRecordings(client, callSid, most, signal),
  );
  if (!found.ok) return found.failure;
  if (found.value.length === 0) return { status: 'none', message: 'That call has no recordings.' };
  const rows = found.value.map(({ sid: recording_sid, status, seconds, channels, createdAt }) => ({
    recording_sid,
    status,
    seconds,
    channels,
    created_at: createdAt,
  }));
  return withRows({ status: 'found', message: 'These are its recordings.' }, 'recordings', rows);
}

/** The call that is up belongs to whoever is calling. */
function ownCall(callSid: string, { facts }: ToolContext): { numbers?: string[] } {
  return callSid === facts.callSid ? { numbers: [facts.callerId] } : {};
}

function rowOf({
  sid: call_sid,
  status,
  direction,
  from,
  to,
  seconds,
  answeredBy,
  startedAt,
  endedAt,
}: TwilioCall) {
  return {
    call_sid,
    status,
    direction: direction === undefined || direction.startsWith('inbound') ? 'inbound' : 'outbound',
    from: masked(from),
    to: masked(to),
    seconds,
    answered_by: answeredBy,
    started_at: startedAt,
    ended_at: endedAt,
  };
}

/** A party may be a SIP address or a client's name. */
function masked(party: string | undefined): string | undefined {
  if (party === undefined || party === '') return undefined;
  return /^\+?\d+$/.test(party) ? maskNumber(party) : quoted(party.replace(/\d{5,}/g, maskNumber));
}

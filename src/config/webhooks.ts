import { fail, ok, type Result } from '../core/errors.ts';
import type { InitiationChoice } from '../trunks/policy.ts';
import type { FailurePolicy, RequestHeaders, WebhookEventName } from '../webhooks/settings.ts';
import { choice, list, type Reader } from './readers.ts';

export const failurePolicies = ['continue', 'reject'] as const satisfies readonly FailurePolicy[];
const eventNames = [
  'call_ended',
  'call_initiation_failure',
  'post_call_transcription',
] as const satisfies readonly WebhookEventName[];

/** YAML makes false of a bare `off`. */
export const initiationPolicy: Reader<InitiationChoice> = raw =>
  choice<InitiationChoice>(['off', ...failurePolicies])(raw === false ? 'off' : raw);

export const webhookEvent = (given: string): Result<WebhookEventName, string> => choice(eventNames)(given);

/** Headers that the request has of its own, or by which it would be framed or routed otherwise. */
const ownHeaders = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'elevenlabs-signature',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);

/** `Name: value` lines. No message repeats a value: it is a credential as a rule. */
export const headerLines: Reader<RequestHeaders> = raw => {
  const lines = list(headerLine)(raw);
  return lines.ok ? ok(Object.fromEntries(lines.value)) : lines;
};

function headerLine(line: string): Result<readonly [string, string], string> {
  const [, name, value] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}):\s*([\x20-\x7e]{1,4096})$/.exec(line) ?? [];
  if (name === undefined || value === undefined)
    return fail('must be lines like "Authorization: Bearer ...", in printable ASCII');
  if (ownHeaders.has(name.toLowerCase())) return fail(`must not have ${name}: the request has its own`);
  return ok([name, value.trim()]);
}

/** A URL of the operator's. It may hold a secret in its path: no message repeats it. */
export const webhookUrl: Reader<string> = raw => {
  const value = Array.isArray(raw) ? '' : String(raw).trim();
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return fail('must be a URL that begins with https://');
  if (url.username !== '' || url.password !== '')
    return fail('must have no user or password in it: use request_headers');
  if (url.hash !== '') return fail('must have no fragment (#...)');
  return ok(url.href);
};

import { z } from 'zod';
import type { CallFilter, PageRequest } from '../store/store.ts';

const usualPage = 30;
const largestPage = 100;

const whole = z.coerce
  .number()
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER / 1000);
/** Given once, or several times. */
const list = z.preprocess(
  value => (value === undefined || Array.isArray(value) ? value : [value]),
  z.array(z.string().max(200)).max(50).optional(),
);
const yesOrNo = z.enum(['true', 'false']).transform(value => value === 'true');

/** What may be asked for: ElevenLabs' own filters as far as this bridge knows the answer, and some of ours. */
const query = z.strictObject({
  cursor: z.string().max(200).optional(),
  page_size: z.coerce.number().int().min(1).max(largestPage).default(usualPage),
  sort_direction: z.enum(['asc', 'desc']).default('desc'),
  summary_mode: z.enum(['exclude', 'include']).optional(),
  agent_id: z.string().max(128).optional(),
  call_successful: z.enum(['success', 'failure']).optional(),
  call_start_before_unix: whole.optional(),
  call_start_after_unix: whole.optional(),
  call_duration_min_secs: whole.optional(),
  call_duration_max_secs: whole.optional(),
  tool_names: list,
  trunk: z.string().max(128).optional(),
  direction: z.enum(['inbound', 'outbound']).optional(),
  state: z.enum(['running', 'ended']).optional(),
  reason: list,
  verified: yesOrNo.optional(),
});

export type ConversationQuery =
  | { readonly ok: true; readonly filter: CallFilter; readonly page: PageRequest }
  | { readonly ok: false; readonly problems: readonly string[] };

/** A filter that is not known is refused: an answer without it would be a wrong one. */
export function readConversationQuery(given: unknown): ConversationQuery {
  const read = query.safeParse(given);
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message }) => [path.join('.'), message].join(' ').trim());
    return { ok: false, problems };
  }
  const wish = read.data;
  const filter = {
    agentId: wish.agent_id,
    successful: wish.call_successful === undefined ? undefined : wish.call_successful === 'success',
    begunBefore: milliseconds(wish.call_start_before_unix),
    begunAfter: milliseconds(wish.call_start_after_unix),
    secondsAtLeast: wish.call_duration_min_secs,
    secondsAtMost: wish.call_duration_max_secs,
    tools: wish.tool_names,
    trunk: wish.trunk,
    direction: wish.direction,
    // Of a call that is up nobody knows yet whether it will be a success.
    state: wish.state ?? (wish.call_successful === undefined ? undefined : 'ended'),
    reasons: wish.reason,
    verified: wish.verified,
  };
  return {
    ok: true,
    filter: Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)),
    page: {
      size: wish.page_size,
      oldestFirst: wish.sort_direction === 'asc',
      ...(wish.cursor === undefined || wish.cursor === '' ? {} : { cursor: wish.cursor }),
    },
  };
}

const milliseconds = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);

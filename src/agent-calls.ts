import { type ClientData, readClientData } from './agent/elevenlabs/protocol/client-data.ts';
import { fail, ok, type Result } from './core/errors.ts';
import { type CallKey, newCallKey } from './core/ids.ts';
import { twilioPaths } from './core/twilio-paths.ts';
import { localConversationId } from './store/draft.ts';
import type { Pending } from './store/sends.ts';
import type { AgentCall } from './tools/operator/call.ts';

/** What is kept for nobody who answers a call: its conversation cannot begin as it was to. */
export type Lost = 'unknown' | 'store-down';

/** What became of a call that Twilio asks about. */
export interface AnsweredCall {
  readonly key?: CallKey;
  readonly clientData?: ClientData;
}

const keyShape = /^[0-9a-f]{24}$/;

/**
 * A call that Twilio is to make and an agent to speak in. Its key is in the URL that Twilio asks when somebody answers; what the
 * conversation begins with is not, that waits in the store. `publicUrl` is https, without a slash at its end.
 */
export function agentCall(
  pending: Pick<Pending, 'put'>,
  publicUrl: string,
  agentId: string,
  clientData?: Readonly<Record<string, unknown>>,
): AgentCall {
  const key = newCallKey();
  const call = key.slice('call_'.length);
  const data = clientData === undefined ? {} : { data: '1' };
  return {
    url: `${publicUrl}${twilioPaths.voice}?${new URLSearchParams({ agent_id: agentId, call, ...data })}`,
    conversationId: localConversationId(key),
    keep: async () => clientData === undefined || pending.put('call', call, JSON.stringify(clientData)),
  };
}

/**
 * The call that a voice URL is of, where it is one of these. Fails where its conversation was to begin with something that is not
 * there any more: half of what was meant may be worse than nothing.
 */
export async function answeredCall(
  pending: Pick<Pending, 'find'>,
  query: URLSearchParams,
): Promise<Result<AnsweredCall, Lost>> {
  const call = query.get('call') ?? '';
  if (!keyShape.test(call)) return ok({});
  const key = `call_${call}` as CallKey;
  if (!query.has('data')) return ok({ key });
  let kept: string | undefined;
  try {
    kept = await pending.find('call', call);
  } catch {
    return fail('store-down');
  }
  const read = kept === undefined ? undefined : readClientData(JSON.parse(kept));
  return read?.ok === true ? ok({ key, clientData: read.value }) : fail('unknown');
}

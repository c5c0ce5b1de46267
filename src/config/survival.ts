import type { RefusedOverridesPolicy } from '../call/agent-starts.ts';
import type { LossPolicy, SurvivalOptions } from '../call/survival.ts';
import type { TransferDestination } from '../tools/transfer/destination.ts';
import type { CallPolicy } from '../trunks/policy.ts';
import type { NumberConfig } from '../trunks/trunk.ts';
import type { Problem } from './problem.ts';
import { choice, integer, text } from './readers.ts';
import type { Section } from './section.ts';
import { sound, soundOrOff } from './sounds.ts';

export const lossPolicies = ['reconnect', 'transfer', 'hangup'] as const satisfies readonly LossPolicy[];
export const refusedOverrides = ['drop', 'fail'] as const satisfies readonly RefusedOverridesPolicy[];

/** Seconds that a new conversation may take to begin. */
export const reconnectSeconds = integer(1, 120);
export const resumeMessage = (raw: unknown) =>
  raw === ''
    ? ({ ok: true, value: '' } as const)
    : text(/^[^\p{C}]{1,500}$/u, 'one line of up to 500 characters')(raw as string);
export const waitingMs = integer(0, 20_000);
export const fallbackName = text(/^[^\p{C}]{1,64}$/u, 'the name of an entry of transfers');

type Survival = NonNullable<CallPolicy['survival']>;

/** What a number has of its own for the case that its agent is lost. */
export function readSurvival(section: Section): Partial<SurvivalOptions> | undefined {
  if (!section.has('survival')) return undefined;
  const own = section.inner('survival');
  const policy = own.value('policy', choice(lossPolicies));
  const seconds = own.value('reconnect_seconds', reconnectSeconds);
  const resumeLine = own.value('resume_message', resumeMessage);
  const fallback = own.value('fallback', fallbackName);
  const reconnectSound = own.value('reconnect_sound', sound);
  const hangupSound = own.value('hangup_sound', sound);
  own.finish();
  return defined<Survival>({
    policy,
    reconnectMs: seconds === undefined ? undefined : seconds * 1000,
    resumeLine,
    fallback,
    reconnectSound,
    hangupSound,
  });
}

/** What its callers hear while a tool is at work. */
export function readWaiting(section: Section): CallPolicy['waiting'] {
  if (!section.has('waiting')) return undefined;
  const own = section.inner('waiting');
  const afterMs = own.value('after_ms', waitingMs);
  const given = own.value('sound', soundOrOff);
  own.finish();
  return {
    ...(afterMs === undefined ? {} : { afterMs }),
    ...(given === undefined ? {} : { sound: given === 'off' ? undefined : given }),
  };
}

/** A fallback has to be an entry of `transfers`, and whoever wants to transfer needs one. */
export function checkSurvival(
  general: { readonly policy: LossPolicy; readonly fallback?: string | undefined },
  numbers: readonly NumberConfig[],
  transfers: readonly TransferDestination[],
  problems: Problem[],
): void {
  const known = transfers.map(({ name }) => name);
  const check = (where: string, policy: LossPolicy, fallback: string | undefined) => {
    if (fallback !== undefined && !known.includes(fallback)) {
      const names = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
      problems.push({ where: `${where}.fallback`, what: `names no entry of transfers; ${names}` });
    } else if (fallback === undefined && policy === 'transfer') {
      const what = 'is transfer, which needs a fallback: the name of an entry of transfers';
      problems.push({ where: `${where}.policy`, what });
    }
  };
  check('survival', general.policy, general.fallback);
  for (const { policy, agentId } of numbers) {
    if (policy.survival === undefined) continue;
    const own = { ...general, ...policy.survival };
    check(`numbers (agent ${agentId}): survival`, own.policy, own.fallback);
  }
}

/** Without the properties that are undefined. */
function defined<T extends object>(values: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

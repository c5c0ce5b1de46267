import { describe, expect, it } from 'vitest';
import { type EndingReason, ending, endings, sentence } from '../../../src/core/ending.ts';
import { refusal } from '../../../src/sip/refusals.ts';

describe('the final status for an ending before the answer', () => {
  it.each([
    ['source-not-allowed', 403],
    ['number-not-found', 404],
    ['ring-timeout', 480],
    ['agent-busy', 486],
    ['no-codec-in-common', 488],
    ['internal-error', 500],
    ['agent-unreachable', 503],
    ['over-capacity', 503],
    ['draining', 503],
    ['no-ports', 503],
    ['worker-lost', 503],
  ] as const)('is for %s %i', (reason, status) => {
    expect(refusal(ending(reason), 'text').status).toBe(status);
  });

  it('is one that lets a PBX try elsewhere for every failure of agent and bridge that is not about the caller', () => {
    const decided = new Set(['agent-busy', 'agent-queue-timeout', 'internal-error']);
    for (const [reason, [result]] of Object.entries(endings)) {
      if ((result !== 'agent' && result !== 'us') || decided.has(reason)) continue;
      expect(refusal(ending(reason as EndingReason), 'text').status, reason).toBe(503);
    }
  });

  it('says when to try again only where waiting helps', () => {
    expect(refusal(ending('over-capacity'), '').options.retryAfter).toBe(5);
    expect(refusal(ending('agent-unauthorized'), '').options.retryAfter).toBeUndefined();
  });

  it('carries the sentence of the ending as a warning', () => {
    const end = ending('no-codec-in-common', 'the offer had G729 only');
    expect(refusal(end, sentence(end)).options).toMatchObject({
      warning: 'The offer has no codec that this bridge speaks: the offer had G729 only.',
      warningCode: 305,
    });
  });
});

import { describe, expect, it } from 'vitest';
import { SpareTickets, spareTicketLimits } from '../../../../src/agent/elevenlabs/spare-tickets.ts';
import { ok } from '../../../../src/core/errors.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const settled = () => new Promise(resolve => setImmediate(resolve));

function keeping() {
  const clock = new ManualClock();
  let asked = 0;
  const tickets = new SpareTickets(
    {
      signedUrl: async agentId => {
        asked += 1;
        return ok(`wss://${agentId}/${asked}`);
      },
    },
    clock,
  );
  return { clock, tickets, asked: () => asked };
}

describe('a signed URL that is kept ahead', () => {
  it('is fetched once for all calls of an agent, given once, and replaced', async () => {
    const { tickets, asked } = keeping();
    expect(tickets.spare('a')).toBeUndefined();
    tickets.keepSpare('a');
    tickets.keepSpare('a');
    await settled();
    expect(asked()).toBe(1);
    expect(tickets.spare('a')).toBe('wss://a/1');
    expect(tickets.spare('a')).toBeUndefined();
    await settled();
    expect(tickets.spare('a')).toBe('wss://a/2');
  });

  it('is not given when it may have expired, and is fetched anew while somebody wants one', async () => {
    const { clock, tickets, asked } = keeping();
    tickets.keepSpare('a');
    await settled();
    clock.advance(spareTicketLimits.freshMs);
    expect(tickets.spare('a')).toBeUndefined();
    tickets.keepSpare('a');
    await settled();
    expect(asked()).toBe(2);
    expect(tickets.spare('a')).toBe('wss://a/2');
  });
});

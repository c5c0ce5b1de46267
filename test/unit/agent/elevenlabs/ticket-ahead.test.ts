import { describe, expect, it } from 'vitest';
import type { AgentTickets } from '../../../../src/agent/agent.ts';
import { TicketAhead } from '../../../../src/agent/elevenlabs/ticket-ahead.ts';
import { ok } from '../../../../src/core/errors.ts';

/** An office that numbers what it gives out, and for whom it was asked. */
function office() {
  const asked: string[] = [];
  const tickets: AgentTickets = {
    signedUrl: async agentId => {
      asked.push(agentId);
      return ok(`wss://${agentId}/${asked.length}`);
    },
  };
  return { asked, tickets };
}

describe('the tickets of a call', () => {
  it('are asked for before anybody needs one, and each is given out once', async () => {
    const { asked, tickets } = office();
    const ahead = new TicketAhead(tickets, 'agent');
    expect(asked).toEqual(['agent']);
    expect(await ahead.signedUrl('agent')).toEqual(ok('wss://agent/1'));
    expect(await ahead.signedUrl('agent')).toEqual(ok('wss://agent/2'));
  });

  it('are those of the agent that is asked for', async () => {
    const { tickets } = office();
    const ahead = new TicketAhead(tickets, 'agent');
    expect(await ahead.signedUrl('other')).toEqual(ok('wss://other/2'));
  });

  it('have a spare one where the office has', () => {
    const kept: string[] = [];
    const tickets = {
      ...office().tickets,
      spare: () => 'wss://spare',
      keepSpare: (id: string) => void kept.push(id),
    };
    expect(new TicketAhead(tickets, 'agent').spare('agent')).toBe('wss://spare');
    new TicketAhead(tickets, 'agent').keepSpare('agent');
    expect(kept).toEqual(['agent']);
    expect(new TicketAhead(office().tickets, 'agent').spare('agent')).toBeUndefined();
  });
});

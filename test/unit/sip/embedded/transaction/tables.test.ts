import { describe, expect, it } from 'vitest';
import { uasDialog } from '../../../../../src/sip/embedded/dialog/table.ts';
import { inviteServer } from '../../../../../src/sip/embedded/transaction/invite-server.ts';
import { nonInviteClient } from '../../../../../src/sip/embedded/transaction/non-invite-client.ts';
import { nonInviteServer } from '../../../../../src/sip/embedded/transaction/non-invite-server.ts';
import { accepts, step, type Table } from '../../../../../src/sip/embedded/transaction/table.ts';

type AnyTable = Table<string, string, string>;

/** Each row: state, input, and what the figure draws: next state and actions. Everything else must be illegal. */
const figures: [name: string, table: AnyTable, rows: string[]][] = [
  [
    'the INVITE server transaction is RFC 3261 figure 7 as amended by RFC 6026 figure 5',
    inviteServer,
    [
      'proceeding retransmit -> proceeding resend',
      'proceeding provisional -> proceeding send',
      'proceeding final2xx -> accepted send startL',
      'proceeding final3to6xx -> completed send startH',
      'proceeding transportError -> proceeding lost',
      'proceeding abandon -> terminated end',
      'accepted retransmit -> accepted',
      'accepted final2xx -> accepted send',
      'accepted ack -> accepted passAck',
      'accepted timerL -> terminated end',
      'accepted transportError -> accepted lost',
      'accepted abandon -> terminated stopL end',
      'completed retransmit -> completed resend',
      'completed final2xx -> completed',
      'completed final3to6xx -> completed',
      'completed ack -> confirmed stopH startI',
      'completed timerH -> terminated timedOut end',
      'completed transportError -> completed lost',
      'completed abandon -> terminated stopH end',
      'confirmed ack -> confirmed',
      'confirmed timerI -> terminated end',
    ],
  ],
  [
    'the non-INVITE server transaction is RFC 3261 figure 8',
    nonInviteServer,
    [
      'trying retransmit -> trying',
      'trying provisional -> proceeding send',
      'trying final -> completed send startJ',
      'trying transportError -> trying lost',
      'trying abandon -> terminated end',
      'proceeding retransmit -> proceeding resend',
      'proceeding provisional -> proceeding send',
      'proceeding final -> completed send startJ',
      'proceeding transportError -> proceeding lost',
      'proceeding abandon -> terminated end',
      'completed retransmit -> completed resend',
      'completed final -> completed',
      'completed timerJ -> terminated end',
      'completed transportError -> completed lost',
      'completed abandon -> terminated end',
    ],
  ],
  [
    'the non-INVITE client transaction is RFC 3261 figure 6',
    nonInviteClient,
    [
      'trying provisional -> proceeding pass',
      'trying final -> completed stopF pass startK',
      'trying timerF -> terminated timedOut end',
      'trying transportError -> terminated stopF lost end',
      'proceeding provisional -> proceeding pass',
      'proceeding final -> completed stopF pass startK',
      'proceeding timerF -> terminated timedOut end',
      'proceeding transportError -> terminated stopF lost end',
      'completed provisional -> completed',
      'completed final -> completed',
      'completed timerK -> terminated end',
      'completed transportError -> terminated end',
    ],
  ],
];

function rowsOf(table: AnyTable): string[] {
  return Object.entries(table).flatMap(([state, inputs]) =>
    Object.entries(inputs).map(([input, to]) => {
      const [next, ...actions] = to ?? [''];
      return [state, input, '->', next, ...actions].join(' ');
    }),
  );
}

describe('transaction tables', () => {
  it.each(figures)('%s', (_name, table, rows) => {
    expect(rowsOf(table)).toEqual(rows);
  });

  it.each(figures)('every illegal transition throws: %s', (_name, table) => {
    const states = Object.keys(table);
    const inputs = new Set(Object.values(table).flatMap(row => Object.keys(row)));
    let illegal = 0;
    for (const state of states) {
      for (const input of inputs) {
        if (accepts(table, state, input)) {
          expect(step(table, state, input)[0]).toSatisfy((next: string) => states.includes(next));
        } else {
          illegal++;
          expect(() => step(table, state, input)).toThrow(`illegal transition: ${input} in state ${state}`);
        }
      }
    }
    expect(illegal).toBeGreaterThan(0);
  });

  it.each<[string, AnyTable, string[]]>([...figures, ['the UAS dialogue', uasDialog, []]])(
    'no state but the last is a dead end, and each is reached: %s',
    (_name, table) => {
      const states = Object.keys(table);
      const reached = new Set([states[0]]);
      const last = states.at(-1);
      for (const [state, row] of Object.entries(table)) {
        const nexts = Object.values(row).map(to => to?.[0] ?? '');
        for (const next of nexts) reached.add(next);
        if (state !== last) expect(nexts.filter(next => next !== state)).not.toEqual([]);
      }
      expect([...reached].sort()).toEqual([...states].sort());
    },
  );

  it('names of inherited properties are no inputs', () => {
    expect(accepts(inviteServer, 'proceeding', 'constructor')).toBe(false);
    expect(accepts(inviteServer, 'terminated', 'toString')).toBe(false);
  });

  it('the dialogue never says BYE before an ACK or the end of waiting for one', () => {
    for (const row of rowsOf(uasDialog)) {
      if (!row.includes('sendBye')) continue;
      expect(row).toMatch(/^(answered ackTimeout|leaving ack|confirmed|stranded)/);
    }
  });
});

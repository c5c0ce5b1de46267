import { describe, expect, it } from 'vitest';
import { attributeHeaders } from '../../../src/trunks/attribute-headers.ts';

describe('variables as headers', () => {
  it('leave under the names that the trunk gives them, those that have a value', () => {
    const map = {
      ticket: 'X-Ticket',
      conversation_id: 'X-Conversation',
      missing: 'X-Missing',
      uui: 'User-to-User',
    };
    expect(
      attributeHeaders(map, { ticket: ' 77 ', conversation_id: 'conv_1', uui: '3132;encoding=hex' }),
    ).toEqual([
      { name: 'X-Ticket', value: '77' },
      { name: 'X-Conversation', value: 'conv_1' },
      { name: 'User-to-User', value: '3132;encoding=hex' },
    ]);
  });

  it.each(['a\r\nVia: x', 'a\nb', 'a\u0000', 'a\u2028b', 'a\u0085b', '', ' ', 'x'.repeat(1025)])(
    'stay out with the value %j',
    value => {
      expect(attributeHeaders({ a: 'X-A' }, { a: value })).toEqual([]);
    },
  );

  it.each(['Via', 'Contact', 'X-', 'X-A:', 'X-A\r\nB', 'Route', 'X-A B', `X-${'a'.repeat(63)}`])(
    'stay out under the name %j',
    name => {
      expect(attributeHeaders({ a: name }, { a: '1' })).toEqual([]);
    },
  );

  it('are no properties that every object has', () => {
    expect(attributeHeaders({ constructor: 'X-A', toString: 'X-B' }, {})).toEqual([]);
  });
});

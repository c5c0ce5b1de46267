import { describe, expect, it } from 'vitest';
import { covers, merged } from '../../../../../src/agent/elevenlabs/setup/merge.ts';

describe('laying what is wanted over what is there', () => {
  it('replaces what differs and keeps what nobody asked about', () => {
    const present = { type: 'client', expects_response: false, sound: 'typing', nested: { a: 1, b: 2 } };
    expect(merged(present, { expects_response: true, nested: { b: 3 } })).toEqual({
      type: 'client',
      expects_response: true,
      sound: 'typing',
      nested: { a: 1, b: 3 },
    });
  });

  it('keeps the words of an operator, and a choice that was narrowed down', () => {
    const present = { description: 'ours', properties: { Channel: { type: 'number', enum: ['sms'] } } };
    const wanted = {
      description: 'theirs',
      properties: { Channel: { type: 'string', enum: ['sms', 'call'], description: 'how' } },
    };
    expect(merged(present, wanted)).toEqual({
      description: 'ours',
      properties: { Channel: { type: 'string', enum: ['sms'], description: 'how' } },
    });
  });

  it('gives no description to a parameter that has its value from elsewhere', () => {
    const present = { To: { type: 'string', dynamic_variable: 'caller_id', description: '' } };
    const wanted = { To: { type: 'string', description: 'the number' } };
    expect(merged(present, wanted)).toEqual(present);
    expect(covers(present, wanted)).toBe(true);
    expect(covers({ To: { type: 'string', description: '' } }, wanted)).toBe(false);
  });

  it('takes lists as a whole', () => {
    expect(merged({ required: ['a', 'b'] }, { required: ['To'] })).toEqual({ required: ['To'] });
  });
});

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parametersOf } from '../../../../../src/agent/elevenlabs/setup/tool-schema.ts';
import { twilioToolSpecs } from '../../../../../src/tools/twilio-tools.ts';

describe('the parameters that ElevenLabs is told', () => {
  it('are those that are checked, without what ElevenLabs does not know', () => {
    const input = z.object({
      to: z.string().min(3).meta({ description: 'whom' }),
      kind: z.enum(['a', 'b']).optional().meta({ description: 'which' }),
      most: z.int().min(1).max(9).default(3).meta({ description: 'how many' }),
      links: z
        .array(z.string().meta({ description: 'a link' }))
        .optional()
        .meta({ description: 'links' }),
      where: z.object({ town: z.string().meta({ description: 'town' }) }).meta({ description: 'place' }),
    });
    expect(parametersOf(input)).toEqual({
      type: 'object',
      required: ['to', 'where'],
      properties: {
        to: { type: 'string', description: 'whom' },
        kind: { type: 'string', description: 'which', enum: ['a', 'b'] },
        most: { type: 'integer', description: 'how many' },
        links: { type: 'array', description: 'links', items: { type: 'string', description: 'a link' } },
        where: {
          type: 'object',
          description: 'place',
          required: ['town'],
          properties: { town: { type: 'string', description: 'town' } },
        },
      },
    });
  });

  it('cannot be made of what ElevenLabs has no word for', () => {
    expect(() => parametersOf(z.object({ any: z.unknown() }))).toThrow('no parameter like any');
    expect(() => parametersOf(z.string())).toThrow('are an object');
  });

  it.each(twilioToolSpecs().map(spec => [spec.name, spec] as const))(
    'of %s have a description each, down to the last one',
    (_, { input, description }) => {
      const bare: string[] = [];
      const look = (name: string, schema: object): void => {
        const { description: words, properties, items } = schema as Record<string, object | undefined>;
        if (name !== '' && !words) bare.push(name);
        if (items !== undefined) look(`${name}[]`, items);
        for (const [key, value] of Object.entries(properties ?? {})) look(`${name}.${key}`, value as object);
      };
      look('', parametersOf(input));
      expect(bare).toEqual([]);
      expect(description.length).toBeGreaterThan(80);
    },
  );
});

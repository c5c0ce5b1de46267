import { type ZodType, z } from 'zod';

/** A tool as its maker describes it: `input` is what its parameters are checked with when an agent runs it. */
export interface DescribedTool {
  readonly name: string;
  readonly description: string;
  readonly input: ZodType;
}

/** A parameter by ElevenLabs' JsonSchemaProperty, of which a few keywords are known. */
export type ParameterSchema =
  | {
      readonly type: 'string' | 'boolean' | 'integer' | 'number';
      readonly description: string;
      readonly enum?: readonly string[];
    }
  | { readonly type: 'array'; readonly description: string; readonly items: ParameterSchema }
  | ObjectSchema;

export interface ObjectSchema {
  readonly type: 'object';
  readonly description?: string;
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, ParameterSchema>>;
}

/** What JSON Schema says of a value, as far as it is used here. */
interface JsonSchema {
  readonly type?: unknown;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** The parameters of a tool as ElevenLabs is told them. Throws where the schema has what ElevenLabs does not know. */
export function parametersOf(input: ZodType): ObjectSchema {
  const schema = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const parameters = property(schema, 'parameters');
  if (parameters.type !== 'object') throw new Error('the parameters of a tool are an object');
  return parameters;
}

function property(schema: JsonSchema, name: string): ParameterSchema {
  const { type, description = '' } = schema;
  switch (type) {
    case 'string':
    case 'boolean':
    case 'integer':
    case 'number':
      return { type, description, ...(schema.enum === undefined ? {} : { enum: schema.enum }) };
    case 'array':
      return { type, description, items: property(schema.items ?? {}, `an entry of ${name}`) };
    case 'object':
      return {
        type,
        ...(description === '' ? {} : { description }),
        required: schema.required ?? [],
        properties: Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([key, value]) => [key, property(value, key)]),
        ),
      };
    default:
      throw new Error(`ElevenLabs knows no parameter like ${name}`);
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Document, OpenAPIBackend } from 'openapi-backend';
import type { SimAnswer } from '../../src/sim/twilio/errors.ts';
import type { SimRequest } from '../../src/sim/twilio/server.ts';

/** Twilio's own descriptions of its APIs, by the paths that they are for. They are not part of this repository. */
const documents: readonly (readonly [name: string, paths: RegExp])[] = [
  ['api_v2010', /^\/2010-04-01\//],
  ['lookups_v2', /^\/v2\/PhoneNumbers\//],
  ['verify_v2', /^\/v2\/Services/],
  ['content_v1', /^\/v1\/Content/],
];
const folder = fileURLToPath(new URL('../../../shared/twilio-openapi/', import.meta.url));
const fileOf = (name: string) => `${folder}twilio_${name}.json`;

/** Whether the documents are here: tests that need them are skipped where they are not. */
export const twilioDocumentsPresent = documents.every(([name]) => existsSync(fileOf(name)));

interface Api {
  readonly paths: RegExp;
  readonly requests: OpenAPIBackend;
  readonly answers: OpenAPIBackend;
}

const isUri = (text: string) => text === '' || text.startsWith('/') || URL.canParse(text);
const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?$/;
const isRfc2822 = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/;
const isNumber = /^(whatsapp:)?\+?\d+$/;
const unchecked = [
  'currency',
  'uri-map',
  'endpoint',
  'twiml',
  'http-method',
  'iso-country-code',
  'phone-number-capabilities',
];

/** Says of requests to Twilio and of a stand-in's answers what Twilio's documents have against them. */
export class TwilioDocuments {
  readonly #apis: readonly Api[];

  private constructor(apis: readonly Api[]) {
    this.#apis = apis;
  }

  static async open(): Promise<TwilioDocuments> {
    return new TwilioDocuments(
      await Promise.all(
        documents.map(async ([name, paths]) => {
          const document = loosened(JSON.parse(readFileSync(fileOf(name), 'utf8'))) as Document;
          // A field of a form is an array only where it came twice.
          return {
            paths,
            requests: await backend(document, 'array'),
            answers: await backend(document, false),
          };
        }),
      ),
    );
  }

  /** Name of the operation that a request is; undefined where the documents have none, so nothing can be said of it. */
  operation({ method, path }: SimRequest): string | undefined {
    const api = this.#apis.find(({ paths }) => paths.test(path))?.requests;
    return api?.matchOperation({ method, path, headers: {} })?.operationId;
  }

  /** Names of every operation that is described. */
  get operations(): readonly string[] {
    return this.#apis.flatMap(({ requests }) =>
      requests.getOperations().map(({ operationId = '' }) => operationId),
    );
  }

  ofRequest(request: SimRequest): readonly string[] {
    const { method, path, params } = request;
    const api = this.#apis.find(({ paths }) => paths.test(path))?.requests;
    if (api === undefined || this.operation(request) === undefined) return [];
    const isForm = method === 'POST';
    const result = api.validateRequest({
      method,
      path,
      query: isForm ? {} : structuredClone(params as Record<string, string>),
      headers: {
        authorization: 'Basic eDp4',
        ...(isForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(isForm ? { body: structuredClone(params) } : {}),
    });
    return texts(result.errors);
  }

  /** Errors have no description in the documents: only answers that say that all went well are looked at. */
  ofAnswer(request: SimRequest, { status, body, file }: SimAnswer): readonly string[] {
    const operation = this.operation(request);
    const api = this.#apis.find(({ paths }) => paths.test(request.path))?.answers;
    if (api === undefined || operation === undefined || status > 299 || file !== undefined) return [];
    return texts(api.validateResponse(structuredClone(body), operation, status).errors);
  }
}

async function backend(definition: Document, coerceTypes: 'array' | false): Promise<OpenAPIBackend> {
  const api = new OpenAPIBackend({
    definition: structuredClone(definition),
    quick: true,
    validate: true,
    ajvOpts: { strict: false, coerceTypes: coerceTypes === 'array' ? 'array' : false },
    customizeAjv: ajv => {
      ajv.addFormat('uri', isUri);
      ajv.addFormat('date-time', isDate);
      ajv.addFormat('date', isDate);
      ajv.addFormat('date-time-rfc-2822', isRfc2822);
      ajv.addFormat('phone-number', isNumber);
      for (const format of unchecked) ajv.addFormat(format, true);
      return ajv;
    },
  });
  await api.init();
  return api;
}

const texts = (errors: readonly { instancePath?: string; message?: string }[] | null | undefined) =>
  (errors ?? []).map(({ instancePath = '', message = '' }) => `${instancePath} ${message}`.trim());

/**
 * The documents where Twilio's own examples keep to them: `nullable` needs a type beside it for Ajv; objects and numbers
 * inside of Lookup's packages may be null; a price may be a text.
 */
function loosened(document: unknown): unknown {
  const loose = (value: unknown, key: string, inLookup: boolean): unknown => {
    if (Array.isArray(value)) return value.map(each => loose(each, '', inLookup));
    if (typeof value !== 'object' || value === null) return value;
    const here = inLookup || 'LookupResponse' in value;
    const entries = Object.entries(value)
      .filter(([name]) => name !== 'nullable' || 'type' in value)
      .map(([name, part]) => {
        const next = loose(part, name, here) as Record<string, unknown>;
        return [name, key === 'properties' && here ? orNull(next) : next];
      });
    const schema: Record<string, unknown> = Object.fromEntries(entries);
    if (key === 'price' && schema['type'] === 'number') schema['type'] = ['number', 'string'];
    return schema;
  };
  return loose(document, '', false);
}

function orNull(schema: Record<string, unknown>): Record<string, unknown> {
  return { anyOf: [schema, { enum: [null] }] };
}

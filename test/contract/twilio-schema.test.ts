import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Document, OpenAPIBackend } from 'openapi-backend';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimTwilio } from '../../src/sim/twilio/server.ts';
import { TwilioClient } from '../../src/twilio/client.ts';
import { createVerify } from '../../src/twilio/verify.ts';

/** Twilio's own description of Verify; it is not part of this repository. */
const document = fileURLToPath(
  new URL('../../../shared/twilio-openapi/twilio_verify_v2.json', import.meta.url),
);
const present = existsSync(document);
const number = '+14155550123';

interface Operation {
  readonly method: 'POST' | 'GET';
  readonly path: string;
  readonly form?: Record<string, string>;
}

/** `nullable` without `type` keeps Ajv from compiling; without a type null is allowed anyway. */
function withoutBareNullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutBareNullable);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'nullable' || 'type' in value);
  return Object.fromEntries(entries.map(([key, part]) => [key, withoutBareNullable(part)]));
}

describe.skipIf(!present)('the Verify document of Twilio (shared/twilio-openapi)', () => {
  let sim: SimTwilio;
  let api: OpenAPIBackend;

  beforeAll(async () => {
    sim = await SimTwilio.start();
    api = new OpenAPIBackend({
      definition: withoutBareNullable(JSON.parse(readFileSync(document, 'utf8'))) as Document,
      quick: true,
      validate: true,
      ajvOpts: { strict: false, coerceTypes: 'array' },
      customizeAjv: ajv => {
        ajv.addFormat('uri', text => URL.canParse(text));
        ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        for (const format of ['phone-number', 'currency', 'uri-map']) ajv.addFormat(format, true);
        return ajv;
      },
    });
    await api.init();
  });
  afterAll(() => sim.close());

  const headers = (form?: unknown) => ({
    authorization: `Basic ${Buffer.from(`${sim.apiKeySid}:${sim.apiKeySecret}`).toString('base64')}`,
    ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
  });

  function problemsOfRequest({ method, path, form }: Operation): unknown {
    const result = api.validateRequest({ method, path, headers: headers(form), body: form, query: {} });
    return result.errors ?? [];
  }

  async function problemsOfAnswer({ method, path, form }: Operation): Promise<unknown> {
    const body = form === undefined ? {} : { body: new URLSearchParams(form) };
    const response = await fetch(`${sim.baseUrl}${path}`, { method, headers: headers(), ...body });
    const operation = api.matchOperation({ method, path, headers: {} });
    if (operation?.operationId === undefined) throw new Error(`No operation for ${method} ${path}`);
    const result = api.validateResponse(await response.json(), operation.operationId, response.status);
    return { status: response.status, errors: result.errors ?? [] };
  }

  const service = () => `/v2/Services/${sim.verifyServiceSid}`;

  it('takes every request that the client makes', async () => {
    const { accountSid, apiKeySid, apiKeySecret, baseUrl } = sim;
    const made = TwilioClient.create({ accountSid, apiKeySid, apiKeySecret, baseUrl });
    if (!made.ok) throw made.failure;
    const verify = createVerify(made.value, sim.verifyServiceSid);
    for (const channel of ['sms', 'call', 'whatsapp'] as const) {
      const sent = await verify.send(number, channel);
      if (!sent.ok) throw sent.failure;
      await verify.check({ verificationSid: sent.value.verificationSid }, '0000');
      await verify.check({ to: number }, '0000');
    }
    expect(sim.requests).toHaveLength(9);
    for (const { path, params } of sim.requests) {
      const form = params as Record<string, string>;
      expect(problemsOfRequest({ method: 'POST', path, form })).toEqual([]);
    }
  });

  it('describes every answer that the stand-in gives to what works', async () => {
    const to = '+14155550124';
    const verifications = `${service()}/Verifications`;
    const send: Operation = { method: 'POST', path: verifications, form: { To: to, Channel: 'sms' } };
    const check = (Code: string): Operation => ({
      method: 'POST',
      path: `${service()}/VerificationCheck`,
      form: { To: to, Code },
    });
    expect(await problemsOfAnswer(send)).toEqual({ status: 201, errors: [] });
    expect(await problemsOfAnswer({ method: 'GET', path: `${verifications}/${to}` })).toEqual({
      status: 200,
      errors: [],
    });
    expect(await problemsOfAnswer(check('none'))).toEqual({ status: 200, errors: [] });
    expect(await problemsOfAnswer(check(sim.codeFor(to)))).toEqual({ status: 200, errors: [] });
    await problemsOfAnswer(send);
    const cancel: Operation = {
      method: 'POST',
      path: `${verifications}/${to}`,
      form: { Status: 'canceled' },
    };
    expect(await problemsOfAnswer(cancel)).toEqual({ status: 200, errors: [] });
  });

  it('objects to requests and answers that are wrong, so the two tests above can fail', () => {
    const path = `${service()}/Verifications`;
    expect(problemsOfRequest({ method: 'POST', path, form: { To: number } })).not.toEqual([]);
    const wrong = [
      { sid: 'nonsense' },
      { date_created: 'yesterday' },
      { url: 'nowhere' },
      { channel: 'pigeon' },
    ];
    for (const body of wrong) {
      expect(api.validateResponse(body, 'CreateVerification', 201).errors).toHaveLength(1);
    }
  });
});

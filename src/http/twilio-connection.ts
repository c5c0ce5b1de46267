import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import { maskNumber } from '../core/mask.ts';
import type { DocumentAuthor, DocumentChange } from '../store/document.ts';
import { mayDo } from './keys.ts';
import { authorOf, refuse, refuseInvalid, uncached } from './refusal.ts';

type Sender = 'phoneNumber' | 'whatsAppNumber' | 'messagingServiceSid' | 'verifyServiceSid';

/** The connection without its secrets; see `ConnectionView` of the Twilio room. */
export interface ShownConnection {
  readonly status:
    | { readonly state: 'active'; readonly checkedAt?: number }
    | { readonly state: 'error'; readonly cause: string; readonly code?: number; readonly at: number }
    | { readonly state: 'disconnected'; readonly cause: string };
  readonly source: 'api' | 'configuration' | undefined;
  readonly configured: boolean;
  readonly accountSid: string | undefined;
  readonly kind: 'key' | 'token' | undefined;
  readonly keySid: string | undefined;
  readonly signatures: boolean;
  readonly senders: { readonly [Name in Sender]?: string };
  readonly phoneNumberSetting: string | undefined;
  readonly facts: { readonly power: string; readonly type?: string } | undefined;
}

interface Credentials {
  readonly apiKeySid?: string | undefined;
  readonly apiKeySecret?: string | undefined;
  readonly authToken?: string | undefined;
}
type Senders = { readonly [Name in Sender]?: string | null | undefined };

/** What is done about the connection. Rejects when the store is down. */
export interface TwilioDesk {
  view(): ShownConnection;
  check(): Promise<ShownConnection>;
  connect(
    accountSid: string,
    credentials: Credentials,
    senders: Senders,
    author: DocumentAuthor,
    unchecked: boolean,
  ): Promise<Result<ShownConnection>>;
  rotate(given: Credentials, author: DocumentAuthor, unchecked: boolean): Promise<Result<ShownConnection>>;
  update(senders: Senders, author: DocumentAuthor): Promise<Result<ShownConnection>>;
  disconnect(author: DocumentAuthor): Promise<Result<ShownConnection>>;
  reset(author: DocumentAuthor): Promise<Result<ShownConnection>>;
  history(size: number): Promise<readonly DocumentChange[]>;
}

const sid = (prefix: string) => z.string().regex(new RegExp(`^${prefix}[0-9a-fA-F]{32}$`));
const secret = z.string().min(8).max(256);
const why = z.string().trim().min(3).max(500).optional();
const credentials = { api_key_sid: sid('SK').optional(), api_key_secret: secret.optional() };
const auth_token = secret.optional();
const number = z.string().min(3).max(64).nullish();
const senders = {
  phone_number: number,
  whatsapp_number: number,
  messaging_service_sid: sid('MG').nullish(),
  verify_service_sid: sid('VA').nullish(),
};
const check = z.boolean().optional();
const connectBody = z.strictObject({
  ...{ account_sid: sid('AC'), ...credentials, auth_token, ...senders, check, why },
});
const rotateBody = z.strictObject({ ...credentials, auth_token, check, why });
const updateBody = z.strictObject({ ...senders, why });
const whyBody = z.strictObject({ why }).nullish();

const shapes = {
  connect:
    'Send {"account_sid": "AC…", "api_key_sid": "SK…", "api_key_secret": "…"} or, in the place of the key, "auth_token"; also ' +
    'phone_number, whatsapp_number, messaging_service_sid, verify_service_sid, check, why.',
  rotate: 'Send {"api_key_sid": "SK…", "api_key_secret": "…"} or {"auth_token": "…"}; also check, why.',
  update:
    'Send any of phone_number, whatsapp_number, messaging_service_sid and verify_service_sid; null takes one back.',
  why: 'Send {"why": "at least three letters"}, or nothing.',
};

const path = '/v1/twilio/connection';
const shownChanges = 50;

/**
 * `/v1/twilio/connection`: GET shows it (`?check=1` asks Twilio first), PUT connects or replaces, POST connects where
 * nothing is, PATCH changes senders, DELETE disconnects; `/rotate` takes other credentials of the same account and
 * `/reset` goes back to the configuration. No answer holds a secret, whatever the role.
 */
export function twilioConnectionRoutes(app: FastifyInstance, desk: TwilioDesk): void {
  const admin = { config: { role: 'admin' as const } };
  app.get<{ Querystring: { check?: string } }>(path, { config: { role: 'read' } }, async (request, reply) => {
    uncached(reply);
    const wanted = ['1', 'true'].includes(request.query.check ?? '');
    return shown(wanted ? await desk.check() : desk.view(), request);
  });
  app.get(`${path}/history`, { config: { role: 'read' } }, async (_request, reply) => {
    uncached(reply);
    const changes = await desk.history(shownChanges);
    return {
      changes: changes.map(({ what, who, why, at }) => ({ what, who, why, at: new Date(at).toISOString() })),
    };
  });
  const connecting = async (request: FastifyRequest, reply: FastifyReply) => {
    const body = connectBody.safeParse(request.body);
    if (!body.success) return refuseInvalid(reply, 'invalid_body', shapes.connect, body.error);
    if (request.method === 'POST' && desk.view().accountSid !== undefined) {
      const message =
        'Twilio is connected already: PUT replaces the connection, /rotate only its credentials.';
      return refuse(reply, 409, 'already_connected', message);
    }
    const { account_sid, check } = body.data;
    const given = credentialsIn(body.data);
    const made = desk.connect(
      account_sid,
      given,
      sendersIn(body.data),
      authorOf(request, body.data.why),
      check === false,
    );
    return answer(await made, request, reply);
  };
  app.put(path, admin, connecting);
  app.post(path, admin, connecting);
  app.patch(path, admin, async (request, reply) => {
    const body = updateBody.safeParse(request.body);
    if (!body.success) return refuseInvalid(reply, 'invalid_body', shapes.update, body.error);
    return answer(await desk.update(sendersIn(body.data), authorOf(request, body.data.why)), request, reply);
  });
  app.post(`${path}/rotate`, admin, async (request, reply) => {
    const body = rotateBody.safeParse(request.body);
    if (!body.success) return refuseInvalid(reply, 'invalid_body', shapes.rotate, body.error);
    const given = credentialsIn(body.data);
    const rotated = desk.rotate(given, authorOf(request, body.data.why), body.data.check === false);
    return answer(await rotated, request, reply);
  });
  const ending =
    (how: 'disconnect' | 'reset') =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const body = whyBody.safeParse(request.body);
      if (!body.success) return refuseInvalid(reply, 'invalid_body', shapes.why, body.error);
      return answer(await desk[how](authorOf(request, body.data?.why)), request, reply);
    };
  app.delete(path, admin, ending('disconnect'));
  app.post(`${path}/reset`, admin, ending('reset'));
}

/** What is said of the connection. Full numbers are for those who may see them. */
function shown({ status, ...view }: ShownConnection, request: FastifyRequest) {
  const mayRead = mayDo(request.keyHolder?.role ?? 'read', 'pii');
  const number = (text: string | undefined) =>
    text === undefined ? null : mayRead || text === 'auto' ? text : maskNumber(text);
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    status: status.state,
    ...(status.state === 'active' ? { checked_at: time(status.checkedAt) } : { cause: status.cause }),
    ...(status.state === 'error' ? { code: status.code ?? null, at: time(status.at) } : {}),
    source: view.source ?? null,
    also_configured: view.source === 'api' && view.configured,
    account_sid: last4(view.accountSid),
    credential:
      view.kind === undefined
        ? null
        : { kind: view.kind === 'key' ? 'api_key' : 'auth_token', sid: last4(view.keySid) },
    opens: view.facts?.power ?? null,
    account_type: view.facts?.type ?? null,
    checks_signatures: view.signatures,
    phone_number: number(view.senders.phoneNumber),
    phone_number_setting: number(view.phoneNumberSetting),
    whatsapp_number: number(view.senders.whatsAppNumber),
    messaging_service_sid: last4(view.senders.messagingServiceSid),
    verify_service_sid: last4(view.senders.verifyServiceSid),
  };
}

/** Kind and end of a SID: enough to recognize it by. */
const last4 = (text: string | undefined) =>
  text === undefined ? null : `${text.slice(0, 2)}…${text.slice(-4)}`;

function answer(result: Result<ShownConnection>, request: FastifyRequest, reply: FastifyReply) {
  uncached(reply);
  if (result.ok) return shown(result.value, request);
  const { code, message } = result.failure;
  return refuse(reply, statuses[code] ?? 422, code.replaceAll('-', '_'), message);
}

/** What was not about what was sent. */
const statuses: Readonly<Record<string, number>> = {
  'not-connected': 409,
  'twilio-unreachable': 502,
  'twilio-broken': 502,
  'twilio-bad-answer': 502,
  'twilio-timeout': 504,
};

type Body = {
  readonly [Name in 'api_key_sid' | 'api_key_secret' | 'auth_token']?: string | undefined;
};
const credentialsIn = ({ api_key_sid, api_key_secret, auth_token }: Body): Credentials => ({
  apiKeySid: api_key_sid,
  apiKeySecret: api_key_secret,
  authToken: auth_token,
});

type SenderBody = {
  readonly [Name in keyof typeof senders]?: string | null | undefined;
};
const sendersIn = (body: SenderBody): Senders => ({
  phoneNumber: body.phone_number,
  whatsAppNumber: body.whatsapp_number,
  messagingServiceSid: body.messaging_service_sid,
  verifyServiceSid: body.verify_service_sid,
});

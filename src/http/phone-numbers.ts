import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { countryOf } from '../core/e164.ts';
import type { Failure, Result } from '../core/errors.ts';
import { maskNumber } from '../core/mask.ts';
import type { DocumentAuthor } from '../store/document.ts';
import { mayDo } from './keys.ts';
import { authorOf, refuse, refuseInvalid, uncached } from './refusal.ts';

/** A number as it is known; see `NumberEntry`. */
export interface ShownNumber {
  readonly id: string;
  readonly number: string;
  readonly label: string;
  readonly provider: 'twilio' | 'sip_trunk';
  readonly agentId?: string;
  readonly defaultCountry?: string;
  readonly twilio?: { readonly purchased: boolean };
  readonly inbound?: unknown;
  readonly outbound?: unknown;
  readonly configured: boolean;
}

/** A number that is to be imported. */
export interface NumberWish {
  readonly number: string;
  readonly label: string;
  readonly provider: ShownNumber['provider'];
  readonly agentId?: string | undefined;
  /** Of numbers without one, this one included: ISO 3166, two letters. */
  readonly defaultCountry?: string | undefined;
  /** The account that the sender believes it to be of. */
  readonly accountSid?: string | undefined;
  readonly inbound?: unknown;
  readonly outbound?: unknown;
  /** False: calls to it stay where they go. */
  readonly inboundWanted: boolean;
  /** Whether messages to it come to us too. */
  readonly messagesWanted?: boolean | undefined;
}

/** What changes; null takes something away, undefined leaves it. */
export interface NumberChange {
  readonly label?: string | undefined;
  readonly agentId?: string | null | undefined;
  readonly defaultCountry?: string | null | undefined;
  readonly inbound?: unknown;
  readonly outbound?: unknown;
}

/** Where numbers are kept. Rejects when the store is down. */
export interface NumberDesk {
  refresh(): Promise<void>;
  list(): readonly ShownNumber[];
  find(id: string): ShownNumber | undefined;
  create(wish: NumberWish, author: DocumentAuthor): Promise<Result<string>>;
  update(id: string, change: NumberChange, author: DocumentAuthor): Promise<Result<ShownNumber>>;
  remove(id: string, author: DocumentAuthor, forced: boolean): Promise<Result<void>>;
}

const label = z.string().trim().min(1).max(64);
const agentId = z.string().regex(/^[\w-]{1,128}$/);
/** Ours; the others of the body are ElevenLabs'. */
const country = z
  .string()
  .regex(/^[A-Z]{2}$/)
  .refine(text => countryOf(text) !== undefined);
const trunk = z.record(z.string(), z.unknown()).nullish();
const trunks = { inbound_trunk_config: trunk, outbound_trunk_config: trunk };
/** As at ElevenLabs; what means nothing here is taken and left alone, the token above all: it is kept nowhere. */
const createBody = z.object({
  phone_number: z.string().min(1).max(64),
  label,
  provider: z.enum(['twilio', 'sip_trunk']).optional(),
  agent_id: agentId.nullish(),
  sid: z.string().optional(),
  supports_inbound: z.boolean().optional(),
  enable_sms: z.boolean().optional(),
  default_country: country.nullish(),
  ...trunks,
});
const updateBody = z.object({
  label: label.nullish(),
  agent_id: agentId.nullish(),
  default_country: country.nullish(),
  ...trunks,
});
const query = z.object({
  provider: z.enum(['twilio', 'sip_trunk', 'exotel']).optional(),
  agent_id: z.string().optional(),
});

const shapes = {
  create:
    'Send {"phone_number", "label", "provider": "twilio" or "sip_trunk"}, and agent_id, inbound_trunk_config, outbound_trunk_config, default_country (two capital letters, like DE).',
  update:
    'Send any of agent_id, label, inbound_trunk_config, outbound_trunk_config and default_country (two capital letters, like DE); null takes one away.',
};

const path = '/v1/convai/phone-numbers';

/**
 * `/v1/convai/phone-numbers` in ElevenLabs' own shapes. A number of the configuration is shown and cannot be changed here.
 * Full numbers are for those who may see them; passwords are for nobody.
 */
export function phoneNumberRoutes(app: FastifyInstance, desk: NumberDesk): void {
  const admin = { config: { role: 'admin' as const } };
  const reader = { config: { role: 'read' as const } };
  app.get(path, reader, async (request, reply) => {
    const wanted = query.safeParse(request.query);
    if (!wanted.success) return refuse(reply, 422, 'invalid_query', 'provider is twilio or sip_trunk.');
    await desk.refresh();
    uncached(reply);
    const { provider, agent_id } = wanted.data;
    return desk
      .list()
      .filter(entry => provider === undefined || entry.provider === provider)
      .filter(entry => agent_id === undefined || entry.agentId === agent_id)
      .map(entry => shown(entry, request));
  });
  app.post(path, admin, async (request, reply) => {
    const body = createBody.safeParse(request.body);
    if (!body.success) return refuseInvalid(reply, 'invalid_body', shapes.create, body.error);
    const { phone_number, label: named, provider, agent_id, sid, supports_inbound } = body.data;
    const { inbound_trunk_config: inbound, outbound_trunk_config: outbound } = body.data;
    const made = await desk.create(
      {
        ...{ number: phone_number, label: named, accountSid: sid, inboundWanted: supports_inbound !== false },
        provider: provider ?? (inbound || outbound ? 'sip_trunk' : 'twilio'),
        agentId: agent_id ?? undefined,
        defaultCountry: body.data.default_country ?? undefined,
        messagesWanted: body.data.enable_sms,
        ...{ inbound: inbound ?? undefined, outbound: outbound ?? undefined },
      },
      authorOf(request),
    );
    uncached(reply);
    return made.ok ? { phone_number_id: made.value } : failed(reply, made.failure);
  });
  app.get<{ Params: { id: string } }>(`${path}/:id`, reader, async (request, reply) => {
    await desk.refresh();
    uncached(reply);
    const entry = desk.find(request.params.id);
    return entry === undefined
      ? refuse(reply, 404, 'not_found', 'There is no phone number of that id.')
      : shown(entry, request);
  });
  app.patch<{ Params: { id: string } }>(`${path}/:id`, admin, async (request, reply) => {
    const body = updateBody.safeParse(request.body);
    if (!body.success) return refuseInvalid(reply, 'invalid_body', shapes.update, body.error);
    const { label: named, agent_id, inbound_trunk_config, outbound_trunk_config } = body.data;
    const change = {
      ...{ label: named ?? undefined, agentId: agent_id, defaultCountry: body.data.default_country },
      ...{ inbound: inbound_trunk_config, outbound: outbound_trunk_config },
    };
    const changed = await desk.update(request.params.id, change, authorOf(request));
    uncached(reply);
    return changed.ok ? shown(changed.value, request) : failed(reply, changed.failure);
  });
  app.delete<{ Params: { id: string }; Querystring: { force?: string } }>(
    `${path}/:id`,
    admin,
    async (request, reply) => {
      const forced = ['1', 'true'].includes(request.query.force ?? '');
      const removed = await desk.remove(request.params.id, authorOf(request), forced);
      uncached(reply);
      return removed.ok ? {} : failed(reply, removed.failure);
    },
  );
}

function shown(entry: ShownNumber, request: FastifyRequest) {
  const { id, number, label: named, provider, agentId: agent, configured } = entry;
  const whole = mayDo(request.keyHolder?.role ?? 'read', 'pii');
  const common = {
    phone_number: whole ? number : maskNumber(number),
    // Many call a number by itself, or by it and a name.
    label: whole ? named : named.replace(/\+?\d[\d\s().-]{5,}\d/g, maskNumber),
    phone_number_id: id,
    supports_inbound: entry.twilio?.purchased !== false,
    supports_outbound: provider === 'twilio' || has(entry.outbound),
    // ElevenLabs knows what the agent is called; here it is its id.
    assigned_agent: agent === undefined ? null : { agent_id: agent, agent_name: agent },
    provider,
    /** Ours: it stands in the configuration file. */
    configured,
    /** Ours: whose numbers those without a country are in its calls. */
    default_country: entry.defaultCountry ?? null,
  };
  if (provider === 'twilio') return common;
  const outbound = outboundShown(entry.outbound);
  return {
    ...common,
    provider_config: outbound,
    outbound_trunk: outbound,
    inbound_trunk: inboundShown(entry.inbound),
    livekit_stack: 'standard',
    store_sip_messages: true,
  };
}

const has = (config: unknown): config is Record<string, unknown> =>
  typeof config === 'object' && config !== null;

function login(config: Record<string, unknown>) {
  const { credentials } = config;
  const username = has(credentials) ? credentials['username'] : undefined;
  return { has_auth_credentials: has(credentials), username: username ?? null };
}

function inboundShown(config: unknown) {
  if (!has(config)) return null;
  return {
    allowed_addresses: config['allowed_addresses'] ?? [],
    allowed_numbers: config['allowed_numbers'] ?? null,
    media_encryption: config['media_encryption'] ?? 'allowed',
    ...login(config),
    remote_domains: config['remote_domains'] ?? null,
    attributes_to_headers: config['attributes_to_headers'] ?? {},
  };
}

function outboundShown(config: unknown) {
  if (!has(config)) return null;
  return {
    address: config['address'] ?? '',
    transport: config['transport'] ?? 'auto',
    media_encryption: config['media_encryption'] ?? 'allowed',
    headers: config['headers'] ?? {},
    attributes_to_headers: config['attributes_to_headers'] ?? {},
    ...login(config),
    has_outbound_trunk: true,
    enabled_codecs: config['enabled_codecs'] ?? [],
  };
}

/** What is not about the fields that were sent. */
const statuses: Readonly<Record<string, number>> = {
  'not-found': 404,
  configured: 409,
  taken: 409,
  'in-use': 409,
  full: 409,
  'not-connected': 409,
  'not-reachable': 409,
  'other-account': 409,
};

function failed(reply: FastifyReply, { code, message }: Failure) {
  const status = statuses[code] ?? (code.startsWith('twilio-') ? 502 : 422);
  return refuse(reply, status, code.replaceAll('-', '_'), message);
}

import { inspect } from 'node:util';
import type { ApiKey } from '../http/keys.ts';
import type { TwilioCredentials } from '../twilio/credentials.ts';
import type { RequestHeaders } from '../webhooks/settings.ts';

interface SecretValues {
  readonly elevenLabsApiKey: string;
  /** PEM text. */
  readonly sipTlsKey?: string;
  /** Empty: only health answers over HTTP. */
  readonly apiKeys: readonly ApiKey[];
  readonly twilio?: TwilioCredentials;
  /** What a drachtio-server knows us by. */
  readonly drachtio?: string;
  /** What webhooks are signed with. */
  readonly webhook?: string;
  /** Header fields of requests to the operator. */
  readonly initiationHeaders?: RequestHeaders;
  readonly postCallHeaders?: RequestHeaders;
  /** URL of a PostgreSQL; it may hold a password. */
  readonly databaseUrl?: string;
  /** Keys that seal what is kept of people, the newest first. Empty: one is made. */
  readonly dataKeys?: readonly Buffer[];
  /** What webhook tools of agents sign in with. */
  readonly tools?: string;
  /** Passwords of trunks that have credentials, by the name of the trunk. */
  readonly trunkPasswords?: ReadonlyMap<string, string>;
  /** PEM texts of the keys of `sip.tlsNamed`, index for index. */
  readonly sipTlsNamedKeys?: readonly string[];
}

/**
 * Every secret of the configuration. Printed, logged or made JSON it shows only which ones are set, so a
 * configuration can be handed around whole.
 */
export class Secrets implements SecretValues {
  readonly elevenLabsApiKey: string;
  readonly sipTlsKey?: string;
  readonly apiKeys: readonly ApiKey[];
  readonly twilio?: TwilioCredentials;
  readonly drachtio?: string;
  readonly webhook?: string;
  readonly initiationHeaders?: RequestHeaders;
  readonly postCallHeaders?: RequestHeaders;
  readonly databaseUrl?: string;
  readonly dataKeys: readonly Buffer[];
  readonly tools?: string;
  readonly trunkPasswords: ReadonlyMap<string, string>;
  readonly sipTlsNamedKeys: readonly string[];

  constructor(values: SecretValues) {
    this.elevenLabsApiKey = values.elevenLabsApiKey;
    this.apiKeys = values.apiKeys;
    this.dataKeys = values.dataKeys ?? [];
    this.trunkPasswords = values.trunkPasswords ?? new Map();
    this.sipTlsNamedKeys = values.sipTlsNamedKeys ?? [];
    if (values.sipTlsKey !== undefined) this.sipTlsKey = values.sipTlsKey;
    if (values.twilio !== undefined) this.twilio = values.twilio;
    if (values.databaseUrl !== undefined) this.databaseUrl = values.databaseUrl;
    if (values.drachtio !== undefined) this.drachtio = values.drachtio;
    if (values.webhook !== undefined) this.webhook = values.webhook;
    if (values.initiationHeaders !== undefined) this.initiationHeaders = values.initiationHeaders;
    if (values.postCallHeaders !== undefined) this.postCallHeaders = values.postCallHeaders;
    if (values.tools !== undefined) this.tools = values.tools;
  }

  toJSON(): Record<string, string> {
    return Object.fromEntries(Object.keys(this).map(name => [name, '[hidden]']));
  }

  toString(): string {
    return '[hidden]';
  }

  [inspect.custom](): string {
    return 'Secrets [hidden]';
  }
}

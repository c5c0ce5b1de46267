import { inspect } from 'node:util';
import type { ApiKey } from '../http/keys.ts';

/** What a Twilio client signs in with: an API key, or the account's own token. */
export type TwilioCredentials =
  | { readonly kind: 'key'; readonly keySid: string; readonly keySecret: string }
  | { readonly kind: 'token'; readonly authToken: string };

interface SecretValues {
  readonly elevenLabsApiKey: string;
  /** PEM text. */
  readonly sipTlsKey?: string;
  /** Empty: only health answers over HTTP. */
  readonly apiKeys: readonly ApiKey[];
  readonly twilio?: TwilioCredentials;
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

  constructor(values: SecretValues) {
    this.elevenLabsApiKey = values.elevenLabsApiKey;
    this.apiKeys = values.apiKeys;
    if (values.sipTlsKey !== undefined) this.sipTlsKey = values.sipTlsKey;
    if (values.twilio !== undefined) this.twilio = values.twilio;
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

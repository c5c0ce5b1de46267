/**
 * What a Twilio client signs in with: an API key, which can be withdrawn alone, or the account's own token. Twilio signs
 * its webhooks with the token whatever we sign in with, so it may stand beside a key.
 */
export type TwilioCredentials =
  | {
      readonly kind: 'key';
      readonly keySid: string;
      readonly keySecret: string;
      readonly authToken?: string;
    }
  | { readonly kind: 'token'; readonly authToken: string };

/** An account and the way into it. */
export interface TwilioAccount {
  /** AC… */
  readonly accountSid: string;
  readonly credentials: TwilioCredentials;
}

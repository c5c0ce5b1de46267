import type { Failure, Result } from '../core/errors.ts';
import type { TwilioClient } from './client.ts';

/** What messages and calls leave from, and the service that sends codes. Numbers are E.164, without `whatsapp:`. */
export interface TwilioSenders {
  /** TWILIO_PHONE_NUMBER; where that is `auto`, the first of the account that can text, once it is known. */
  readonly phoneNumber?: string;
  /** TWILIO_WHATSAPP_NUMBER */
  readonly whatsAppNumber?: string;
  /** TWILIO_MESSAGING_SERVICE_SID, MG… */
  readonly messagingServiceSid?: string;
  /** TWILIO_VERIFY_SERVICE_SID, VA… */
  readonly verifyServiceSid?: string;
}

/** How the connection stands. Times in ms since the Unix epoch; `cause` is one sentence that names what to change. */
export type TwilioStatus =
  /** Nothing is wrong that we know of; `checkedAt` is when Twilio last took the credentials. */
  | { readonly state: 'active'; readonly checkedAt?: number }
  /** Twilio does not take them. */
  | { readonly state: 'error'; readonly cause: string; readonly code?: number; readonly at: number }
  /** There are none, or they were taken away. */
  | { readonly state: 'disconnected'; readonly cause: string };

/**
 * The one place that knows the credentials of the moment. They can be given, rotated and taken away while calls are up:
 * whoever talks to Twilio asks here at each use, and keeps nothing of the answer.
 */
export interface TwilioConnection {
  /** Fails with a sentence that names the setting to change. */
  client(): Result<TwilioClient, Failure>;
  /** AC… */
  readonly accountSid: string | undefined;
  /** What Twilio signs webhooks with; undefined when there is only an API key, or nothing. */
  authToken(): string | undefined;
  readonly senders: TwilioSenders;
  readonly status: TwilioStatus;
}

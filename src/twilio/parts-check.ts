import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import { maskNumber } from '../core/mask.ts';
import type { TwilioClient, TwilioSdk } from './client.ts';
import type { TwilioSenders } from './connection.ts';
import type { TwilioFailure } from './failure.ts';
import type { LiveConnection } from './live-connection.ts';
import { firstThatTexts } from './sender-search.ts';

/** What was found out of one part: it works, it is off because nothing is set, or it will fail. */
export interface PartFinding {
  readonly part: string;
  readonly how: 'works' | 'off' | 'fails';
  /** One sentence; where something is off or fails it names the setting to change. */
  readonly sentence: string;
}

export interface PartSettings {
  /** Senders as they are set: the phone number may be `auto`. */
  readonly senders: TwilioSenders;
  /** Whether Twilio can reach us: PUBLIC_URL and PUBLIC_HTTP_LISTEN are set. */
  readonly reachable: boolean;
}

/** Says which parts will work with these credentials and settings. Nothing is sent, and what is asked is free of charge. */
export async function checkParts(
  connection: LiveConnection,
  { senders, reachable }: PartSettings,
): Promise<PartFinding[]> {
  const status = await connection.check();
  const client = connection.client();
  if (status.state !== 'active') return [{ part: 'credentials', how: 'fails', sentence: status.cause }];
  if (!client.ok) return [{ part: 'credentials', how: 'fails', sentence: client.failure.message }];
  const asked = new Parts(client.value);
  return [
    credentials(connection),
    await asked.verify(senders.verifyServiceSid),
    await asked.texts(senders),
    await asked.whatsApp(senders.whatsAppNumber),
    await asked.messagingService(senders.messagingServiceSid),
    await asked.lookup(),
    await asked.overview(connection),
    signatures(connection.authToken() !== undefined, reachable),
  ];
}

const works = (part: string, sentence: string): PartFinding => ({ part, how: 'works', sentence });
const off = (part: string, sentence: string): PartFinding => ({ part, how: 'off', sentence });
const fails = (part: string, sentence: string): PartFinding => ({ part, how: 'fails', sentence });

function credentials({ facts }: LiveConnection): PartFinding {
  const named = { token: 'the auth token', 'main-key': 'the Main key', 'standard-key': 'the Standard key' };
  const taken = `Twilio takes ${named[facts?.power ?? 'main-key']}`;
  return works(
    'credentials',
    facts?.type === 'Trial'
      ? `${taken}. It is a trial account: only numbers that were verified in the console can be texted and called.`
      : `${taken}.`,
  );
}

function signatures(hasToken: boolean, reachable: boolean): PartFinding {
  const part = 'webhooks';
  if (!reachable)
    return off(
      part,
      'Twilio cannot reach this bridge: set PUBLIC_HTTP_LISTEN and PUBLIC_URL for numbers without a trunk, incoming messages and delivery statuses.',
    );
  return hasToken
    ? works(part, 'Signatures of what Twilio sends can be checked.')
    : fails(
        part,
        'Signatures of what Twilio sends cannot be checked with an API key: set TWILIO_AUTH_TOKEN, the primary one, beside it.',
      );
}

const numberShape = z.array(
  z.object({
    phoneNumber: z.string(),
    capabilities: z.object({ sms: z.boolean().optional() }).nullish(),
  }),
);

class Parts {
  readonly #client: TwilioClient;

  constructor(client: TwilioClient) {
    this.#client = client;
  }

  async verify(sid: string | undefined): Promise<PartFinding> {
    const part = 'one-time codes';
    if (sid === undefined) return off(part, 'No Verify service: set TWILIO_VERIFY_SERVICE_SID.');
    const found = await this.#client.call(sdk => sdk.verify.v2.services(sid).fetch());
    return found.ok
      ? works(part, 'The Verify service is there.')
      : fails(part, missing(found.failure, 'Verify service', 'TWILIO_VERIFY_SERVICE_SID'));
  }

  async texts({ phoneNumber, messagingServiceSid }: TwilioSenders): Promise<PartFinding> {
    const part = 'texts and calls';
    if (phoneNumber === undefined) {
      return messagingServiceSid === undefined
        ? off(
            part,
            'No sender: set TWILIO_PHONE_NUMBER (auto takes the first that can text), or TWILIO_MESSAGING_SERVICE_SID.',
          )
        : off(part, 'Texts leave from the messaging service; calls need TWILIO_PHONE_NUMBER.');
    }
    if (phoneNumber === 'auto') return this.#automatic(part);
    const masked = maskNumber(phoneNumber);
    const bought = await this.#numbers(sdk => sdk.incomingPhoneNumbers.list({ phoneNumber, limit: 1 }));
    if (!bought.ok) return fails(part, trouble('The numbers of the account', bought.failure));
    if (bought.value[0] !== undefined) {
      return bought.value[0].capabilities?.sms === true
        ? works(part, `${masked} can text.`)
        : fails(
            part,
            `${masked} cannot text, only call: set TWILIO_PHONE_NUMBER to another number, or to auto.`,
          );
    }
    const verified = await this.#numbers(sdk => sdk.outgoingCallerIds.list({ phoneNumber, limit: 1 }));
    return verified.ok && verified.value.length > 0
      ? fails(
          part,
          `${masked} is a verified caller id: it can be called from, and cannot text. Set TWILIO_PHONE_NUMBER to a number of the account.`,
        )
      : fails(
          part,
          `${masked} is no number of the account: set TWILIO_PHONE_NUMBER to one of its numbers, or to auto.`,
        );
  }

  async #automatic(part: string): Promise<PartFinding> {
    const first = await firstThatTexts(this.#client);
    if (!first.ok) return fails(part, trouble('The numbers of the account', first.failure));
    return first.value === undefined
      ? fails(
          part,
          'TWILIO_PHONE_NUMBER is auto, and no number of the account can text: buy one, or set a messaging service.',
        )
      : works(part, `${maskNumber(first.value)} is the first number that can text.`);
  }

  async whatsApp(number: string | undefined): Promise<PartFinding> {
    const part = 'WhatsApp';
    if (number === undefined) return off(part, 'No WhatsApp sender: set TWILIO_WHATSAPP_NUMBER.');
    const id = `whatsapp:${number}`;
    const found = await this.#client.call(async sdk => {
      const senders = await sdk.messaging.v2.channelsSenders.list({ channel: 'whatsapp', limit: 200 });
      return senders.map(sender => senderShape.parse(sender)).find(({ senderId }) => senderId === id);
    });
    if (!found.ok) return fails(part, trouble('The WhatsApp senders of the account', found.failure));
    const masked = maskNumber(number);
    if (found.value === undefined)
      return fails(
        part,
        `${masked} is no WhatsApp sender of the account: register it, or change TWILIO_WHATSAPP_NUMBER.`,
      );
    return found.value.status?.startsWith('ONLINE') === true
      ? works(part, `${masked} is a WhatsApp sender.`)
      : fails(
          part,
          `${masked} is a WhatsApp sender that is not online yet: see the Twilio console, or change TWILIO_WHATSAPP_NUMBER.`,
        );
  }

  async messagingService(sid: string | undefined): Promise<PartFinding> {
    const part = 'messaging service';
    if (sid === undefined) return off(part, 'None: TWILIO_MESSAGING_SERVICE_SID is not set.');
    const found = await this.#client.call(sdk => sdk.messaging.v1.services(sid).fetch());
    return found.ok
      ? works(part, 'The messaging service is there.')
      : fails(part, missing(found.failure, 'messaging service', 'TWILIO_MESSAGING_SERVICE_SID'));
  }

  /** The basic lookup costs nothing. */
  async lookup(): Promise<PartFinding> {
    const found = await this.#client.call(sdk => sdk.lookups.v2.phoneNumbers('+14155552671').fetch());
    return found.ok
      ? works('lookup', 'Numbers can be looked up; what the fields cost stands in Twilio’s price list.')
      : fails('lookup', trouble('Lookup', found.failure));
  }

  async overview({ facts }: LiveConnection): Promise<PartFinding> {
    const part = 'account overview';
    if (facts?.power === 'standard-key') {
      return fails(
        part,
        'A Standard key does not open the account itself: make a Main key for TWILIO_API_KEY_SID, or sign in with TWILIO_AUTH_TOKEN alone. Numbers and usage work.',
      );
    }
    const found = await this.#client.call(sdk => sdk.balance.fetch());
    return found.ok
      ? works(part, 'Account, balance and usage can be read.')
      : fails(part, trouble('The balance of the account', found.failure));
  }

  #numbers(
    work: (sdk: TwilioSdk) => Promise<unknown>,
  ): Promise<Result<z.infer<typeof numberShape>, TwilioFailure>> {
    return this.#client.call(async sdk => numberShape.parse(await work(sdk)));
  }
}

const senderShape = z.object({ senderId: z.string(), status: z.string().nullish() });

function missing(failure: TwilioFailure, what: string, setting: string): string {
  return failure.status === 404
    ? `Twilio does not know the ${what}: check ${setting}, and that it is of this account.`
    : trouble(`The ${what}`, failure);
}

function trouble(what: string, { message, status, errorCode }: TwilioFailure): string {
  if (status === 401 || status === 403)
    return `${what} may not be read with this key: give it the permission, or set another TWILIO_API_KEY_SID.`;
  const code = errorCode === undefined ? '' : ` (${errorCode})`;
  return `${what} could not be looked up: ${message}${code}`;
}

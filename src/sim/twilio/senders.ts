import { simError } from './errors.ts';
import { listByUrl } from './paging.ts';
import { iso8601, newSid, type SimOwner } from './resource.ts';
import type { SimRoute } from './router.ts';

export interface SimSenderOptions extends SimOwner {
  readonly messagingServiceSid: string;
  /** WhatsApp senders, E.164. */
  readonly whatsapp: readonly string[];
}

/** What messages leave from besides numbers: the messaging service and the WhatsApp senders of the account. */
export class SimSenders {
  /** As Twilio has it, for instance ONLINE or CREATING. */
  whatsappStatus = 'ONLINE';
  readonly #options: SimSenderOptions;

  constructor(options: SimSenderOptions) {
    this.#options = options;
  }

  get routes(): readonly SimRoute[] {
    const { messagingServiceSid, accountSid, clock, whatsapp } = this.#options;
    return [
      [
        'GET',
        '/v1/Services/{sid}',
        ({ at }) =>
          at['sid'] === messagingServiceSid
            ? {
                status: 200,
                body: {
                  sid: messagingServiceSid,
                  account_sid: accountSid,
                  friendly_name: 'Stand-in',
                  date_created: iso8601(clock.wall()),
                  date_updated: iso8601(clock.wall()),
                  url: `https://messaging.twilio.com/v1/Services/${messagingServiceSid}`,
                },
              }
            : simError(20404, `Services/${at['sid']}`),
      ],
      [
        'GET',
        '/v2/Channels/Senders',
        ({ path, query }) => {
          const senders = whatsapp.map(number => ({
            sid: newSid('XE'),
            status: this.whatsappStatus,
            sender_id: `whatsapp:${number}`,
            url: 'https://messaging.twilio.com/v2/Channels/Senders',
          }));
          return listByUrl('senders', senders, { host: 'messaging.twilio.com', path }, query);
        },
      ],
    ];
  }
}

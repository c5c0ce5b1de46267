import type { Clock } from '../core/clock.ts';
import { AuthTokens } from './auth-tokens.ts';
import type { TwilioConnection } from './connection.ts';
import { SignatureCheck, type SignedRequest } from './signature.ts';

/** Without this nobody can tell whether a request is of Twilio's. */
export const noToken =
  'Signatures of Twilio are made with the primary auth token of the account: set TWILIO_AUTH_TOKEN, also beside an API key.';
export const noPublicUrl =
  'Signatures of Twilio are over the URL that it was told: set PUBLIC_URL to the https base that reaches this listener.';

export type WebhookVerdict = 'good' | 'bad' | { readonly missing: string };

/** Whether a request is of Twilio's, by the connection of the moment. */
export class WebhookCheck {
  readonly #check: SignatureCheck | undefined;
  readonly #tokens: AuthTokens;

  constructor(publicUrl: string | undefined, connection: Pick<TwilioConnection, 'authToken'>, clock: Clock) {
    this.#tokens = new AuthTokens(() => connection.authToken(), clock);
    this.#check = publicUrl === undefined ? undefined : new SignatureCheck(publicUrl, this.#tokens.list);
  }

  request(request: SignedRequest): WebhookVerdict {
    return this.#judge(check => check.request(request));
  }

  upgrade(signature: string | undefined, target: string): WebhookVerdict {
    return this.#judge(check => check.upgrade(signature, target));
  }

  /** Every signature that is good for an upgrade to this path, by the tokens of the moment; empty when nobody can tell. */
  upgradeSignatures(path: string): readonly string[] {
    return this.#check?.upgradeSignatures(path) ?? [];
  }

  #judge(good: (check: SignatureCheck) => boolean): WebhookVerdict {
    if (this.#check === undefined) return { missing: noPublicUrl };
    if (this.#tokens.list().length === 0) return { missing: noToken };
    return good(this.#check) ? 'good' : 'bad';
  }
}

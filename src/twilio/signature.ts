import twilio from 'twilio';

/** Longest signature header that is looked at; Twilio's has 28 characters. */
const longestSignature = 128;

/** A request as it came, before anybody has parsed it. */
export interface SignedRequest {
  /** X-Twilio-Signature. */
  readonly signature: string | undefined;
  /** The request target, as it stood in the first line: path and query. */
  readonly target: string;
  /** `application/x-www-form-urlencoded`, say; absent where there is no body. */
  readonly contentType: string | undefined;
  /** The bytes of the body, never what a parser made of them. */
  readonly body: Buffer;
}

/** The parameters of a form; a name that comes more than once has all of its values. */
export type FormFields = Readonly<Record<string, string | readonly string[]>>;

/** Reads a form. Values are not trimmed, and names that nobody knows are kept: all of them are signed. */
export function formFields(body: Buffer): FormFields {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (typeof before === 'string') fields[name] = [before, value];
    else before.push(value);
  }
  return fields;
}

/**
 * Checks that Twilio sent a request (X-Twilio-Signature). What was signed is the URL that Twilio was told, which is
 * `publicUrl` and the target; Host and X-Forwarded-* are what a client writes there, and have no say. Scheme and port of the
 * connection do not matter either: a proxy may stand in front. `tokens` are the auth tokens that count at the moment.
 */
export class SignatureCheck {
  readonly #base: string;
  readonly #tokens: () => readonly string[];

  constructor(publicUrl: string, tokens: () => readonly string[]) {
    this.#base = publicUrl.replace(/\/+$/, '');
    this.#tokens = tokens;
  }

  /** A request with a form, a JSON body, or none. False, and never a throw, for whatever is wrong with it. */
  request({ signature, target, contentType, body }: SignedRequest): boolean {
    const url = this.#base + target;
    const kind = contentType?.split(';', 1)[0]?.trim().toLowerCase();
    if (kind === 'application/x-www-form-urlencoded' || body.length === 0) {
      const fields = formFields(body) as Record<string, string | string[]>;
      return this.#anyToken(signature, (token, given) => twilio.validateRequest(token, given, url, fields));
    }
    // Any other body is not in the signature but by its hash in the URL: without that anybody could have written it.
    return this.#anyToken(signature, (token, given) =>
      twilio.validateRequestWithBody(token, given, url, body.toString('utf8')),
    );
  }

  /** The upgrade to a WebSocket: signed over `wss://`, and not known to be so with or without a slash at its end. */
  upgrade(signature: string | undefined, target: string): boolean {
    return this.#upgradeUrls(target).some(url =>
      this.#anyToken(signature, (token, given) => twilio.validateRequest(token, given, url, {})),
    );
  }

  /** The signatures that `upgrade` takes for a path without a query, for somebody who is not to know the tokens. */
  upgradeSignatures(path: string): readonly string[] {
    const urls = this.#upgradeUrls(path).flatMap(url => [url, withoutPort(url)]);
    return this.#tokens().flatMap(token =>
      urls.map(url => twilio.getExpectedTwilioSignature(token, url, {})),
    );
  }

  #upgradeUrls(target: string): readonly string[] {
    const base = this.#base.replace(/^http/i, 'ws');
    const [path = '', query] = target.split('?', 2);
    const bare = path.replace(/\/+$/, '');
    const rest = query === undefined ? '' : `?${query}`;
    return [`${bare}${rest}`, `${bare}/${rest}`].map(each => withPort(base + each));
  }

  #anyToken(signature: string | undefined, valid: (token: string, given: string) => boolean): boolean {
    if (signature === undefined || signature === '' || signature.length > longestSignature) return false;
    try {
      return this.#tokens().some(token => valid(token, signature));
    } catch {
      // The package throws for a URL that is none.
      return false;
    }
  }
}

/** The package takes a wss URL without a port for one of port 80; with the port it tries both with and without. */
function withPort(url: string): string {
  return /^wss:\/\/[^/?#]*:\d+([/?#]|$)/i.test(url) ? url : url.replace(/^(wss:\/\/[^/?#]+)/i, '$1:443');
}

const withoutPort = (url: string) => url.replace(/^(wss?:\/\/[^/?#]*):\d+(?=[/?#]|$)/i, '$1');

import type { SimTwilio } from '../../src/sim/twilio/server.ts';

export interface TwilioAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

type Form = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** Asks a stand-in as its owner: a path below the account unless it begins with `/v`; a form makes it a POST. */
export async function askTwilio(
  sim: SimTwilio,
  path: string,
  form?: Form,
  user = `${sim.apiKeySid}:${sim.apiKeySecret}`,
): Promise<TwilioAnswer> {
  const below = path.startsWith('/') ? path : `/2010-04-01/Accounts/${sim.accountSid}/${path}`;
  const response = await fetch(`${sim.baseUrl}${below}`, {
    headers: { Authorization: `Basic ${Buffer.from(user).toString('base64')}` },
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form as [string, string][]) }),
  });
  return {
    status: response.status,
    body: (await response.json()) as TwilioAnswer['body'],
    headers: response.headers,
  };
}

import twilio from 'twilio';

/** Whether the official package takes a request for one of Twilio's. */
export function verifySignature(
  authToken: string,
  headers: Readonly<Record<string, unknown>> | undefined,
  url: string,
  body: string,
): boolean {
  const form: Record<string, string | string[]> = {};
  for (const name of new URLSearchParams(body).keys()) {
    const values = new URLSearchParams(body).getAll(name);
    form[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return twilio.validateRequest(authToken, String(headers?.['x-twilio-signature']), url, form);
}

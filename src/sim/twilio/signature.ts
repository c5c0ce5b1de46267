import { createHmac } from 'node:crypto';

/**
 * X-Twilio-Signature of a request: HMAC-SHA1 over the URL as it was configured and, for a form, over each field's name and
 * value in the order of the names. A name that is there twice counts each of its different values once, sorted.
 */
export function signatureOf(authToken: string, url: string, form = new URLSearchParams()): string {
  const names = [...new Set(form.keys())].sort();
  const fields = names.flatMap(name =>
    [...new Set(form.getAll(name))].sort().map(value => `${name}${value}`),
  );
  return createHmac('sha1', authToken)
    .update(`${url}${fields.join('')}`, 'utf8')
    .digest('base64');
}

import { createHmac, timingSafeEqual } from 'node:crypto';

/** True when `rawBody` (a Buffer or a string, as it came) was signed with `secret` in the last five minutes. */
export function verify(rawBody, header, secret, nowSeconds = Date.now() / 1000) {
  const fields = Object.fromEntries((header ?? '').split(',').map(field => field.split('=', 2)));
  if (!/^\d+$/.test(fields.t) || Math.abs(nowSeconds - fields.t) > 300) return false;
  const expected = createHmac('sha256', secret).update(`${fields.t}.`).update(rawBody).digest();
  const given = Buffer.from(fields.v0 ?? '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

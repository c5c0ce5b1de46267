import { createHmac } from 'node:crypto';

/** Name of the header that ElevenLabs' own webhooks are signed in. */
export const signatureHeader = 'ElevenLabs-Signature';

/**
 * The signature as ElevenLabs makes it, so that the official SDKs verify it: `t=<seconds>,v0=<hex>` over `<t>.<body>`, of the
 * very bytes that are sent. Made anew for each attempt, because a receiver refuses one that is 30 minutes old.
 */
export function sign(secret: string, body: string, wallMs: number): string {
  const t = Math.floor(wallMs / 1000);
  const v0 = createHmac('sha256', secret).update(`${t}.${body}`, 'utf8').digest('hex');
  return `t=${t},v0=${v0}`;
}

// The picture of a call: whatever stands in a message, its secrets do not come out.
import { LadderMask } from '../../../dist/src/sip/ladder-mask.js';
import { errorOf } from '../../../dist/src/sip/ladder-text.js';
import { must } from '../rule.mjs';
import { dictionary as sipPieces } from './message.mjs';

const head = [
  'INVITE sip:+14155550199@h SIP/2.0',
  'From: "+1 415 555 0123" <sip:+14155550123@h>;tag=1',
  'Authorization: Digest username="anna", response="5ec5ec5ec5ec", realm="r"',
  'X-Auth-Token: 5ec5ec5ec5ec',
  'X-CALLER-ID: 4155550123',
  'Content-Type: application/sdp',
  '',
  '',
].join('\r\n');
const body = 'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:5ec5ec5ec5ec|2^20\r\n';

export const seeds = [head + body, head.replace('application/sdp', 'text/plain') + body];
export const dictionary = [
  ...sipPieces,
  'tel:',
  '\r\ntel:',
  'SIP/2.0 200 OK\r\n',
  'sips:',
  'inline:',
  '+',
  '(',
  ')',
  '-',
  '.',
  'Authorization:',
  'y:',
];

/** As many lines as before; masking what is masked changes no secret back; a full number after `sip:` never stays. */
export function mask(input) {
  const text = input.toString('utf8');
  const end = text.indexOf('\r\n\r\n');
  const at = end < 0 ? text.length : end + 4;
  const masked = new LadderMask().mask(text.slice(0, at), text.slice(at));
  must(masked.split('\r\n').length === text.split('\r\n').length, 'a line came or went');
  must(!/\bsips?:\+?\d{7,}@/i.test(masked), 'a number stayed in a URI');
  must(!/\binline:(?!\[private\])[^\s;]/i.test(masked), 'a key stayed');
  const controls = [...masked].filter(
    each => each.charCodeAt(0) < 9 || each === '\u001b' || each === '\u007f',
  );
  must(controls.length === 0, 'a control character stayed');
  errorOf(masked);
  return masked;
}

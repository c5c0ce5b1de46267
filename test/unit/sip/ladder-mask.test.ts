import { describe, expect, it } from 'vitest';
import { LadderMask } from '../../../src/sip/ladder-mask.ts';

const tail = '\r\n\r\n';

/** One header line of an INVITE, masked. */
function line(text: string, mask = new LadderMask()): string {
  const masked = mask.mask(`INVITE sip:bridge@192.0.2.1 SIP/2.0\r\n${text}${tail}`, '');
  const [, ...lines] = masked.slice(0, -tail.length).split('\r\n');
  return lines.join('\r\n');
}

function body(type: string, text: string): string {
  const masked = new LadderMask().mask(`INFO sip:h SIP/2.0\r\nContent-Type: ${type}${tail}`, text);
  return masked.slice(masked.indexOf(tail) + tail.length);
}

describe('numbers in header fields', () => {
  it.each([
    [
      'From: "Anna" <sip:+14155550123@192.0.2.9>;tag=1234567890',
      'From: "Anna" <sip:+141******23@192.0.2.9>;tag=1234567890',
    ],
    ['f: <sip:4155550123@h;user=phone>', 'f: <sip:415*****23@h;user=phone>'],
    ['To: <tel:+1-415-555-0123;phone-context=x>', 'To: <tel:+141******23;phone-context=x>'],
    ['To: <sip:anna;ext=4155550123;tgrp=a@h>', 'To: <sip:anna;ext=415*****23;tgrp=a@h>'],
    ['To: <sip:+141;sips:5550199@h>', 'To: <sip:+141;sips:555**99@h>'],
    ['To: <tel:911;phone-context=+14155550123>', 'To: <tel:911;phone-context=+141******23>'],
    ['To: <sip:%2B%31%34155550123@h>', 'To: <sip:+141******23@h>'],
    ['From: "+1 (415) 555-0123" <sip:anna@h>', 'From: "+141******23" <sip:anna@h>'],
    ['P-Asserted-Identity: <sip:+14155550123:pw@h>', 'P-Asserted-Identity: <sip:+141******23:[private]@h>'],
    ['X-CALLER-ID: +14155550123', 'X-CALLER-ID: +141******23'],
    ['X-Note: call 020 7183 8750 back.', 'X-Note: call 020******50 back.'],
    ['Subject: x\r\n 4155550123', 'Subject: x\r\n 415*****23'],
    ['Contact: <sip:1001@192.168.100.20:5060>', 'Contact: <sip:1001@192.168.100.20:5060>'],
    ['Via: SIP/2.0/TCP 192.168.100.20:5062;branch=z9hG4bK1234567890', undefined],
    ['CSeq: 2147483647 INVITE', undefined],
    ['Call-ID: 12345678901234@h', undefined],
    ['Session-Expires: 1800;refresher=uac', undefined],
    ['X-Twilio-CallSid: CA0123456789abcdef0123456789abcdef', undefined],
  ])('%s', (given, wanted) => {
    expect(line(given)).toBe(wanted ?? given);
  });

  it('are hidden in the start line too', () => {
    const text = new LadderMask().mask(`BYE sip:+14155550123@h;transport=tcp SIP/2.0${tail}`, '');
    expect(text).toBe(`BYE sip:+141******23@h;transport=tcp SIP/2.0${tail}`);
  });

  it('that were met once are hidden wherever their digits come again', () => {
    const mask = new LadderMask();
    line('From: <sip:+14155550123@h>;tag=1', mask);
    const later = line(
      'Call-ID: 4155550123@h\r\nX-Tag: a415-555-0123b\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK14155550123',
      mask,
    );
    expect(later.replace(/\D/g, '')).not.toContain('55501');
  });
});

describe('credentials', () => {
  it('keep the names of their parameters, and realm and algorithm', () => {
    const given =
      'Authorization: Digest username="anna", realm="a,b", nonce="n==", uri="sip:+14155550123@h", response="0f", cnonce=x, qop=auth, nc=00000001';
    expect(line(given)).toBe(
      'Authorization: Digest username="[private]", realm="a,b", nonce="[private]", uri="sip:+141******23@h", response="[private]", cnonce="[private]", qop=auth, nc=00000001',
    );
  });

  it.each([
    ['Authorization: Basic dXNlcjpwYXNzd29yZA==', 'Authorization: [private]'],
    ['Proxy-Authorization: Digest dXNlcjpw', 'Proxy-Authorization: Digest [private]'],
    ['Proxy-Authorization: Digest response="0f', 'Proxy-Authorization: Digest response="[private]"'],
    ['Authorization: Digest\r\n response="0f0f"', 'Authorization: Digest\r\n [private]'],
    ['X-Auth-Token: abc', 'X-Auth-Token: [private]'],
    ['y: eyJhbGciOiJFUzI1NiJ9.eyJ9.x;info=<https://h>', 'y: [private]'],
    ['User-to-User: 34313535353530313233;encoding=hex', 'User-to-User: [private]'],
  ])('%s', (given, wanted) => {
    expect(line(given)).toBe(wanted);
  });
});

describe('bodies', () => {
  it('of SDP lose their keys and nothing else', () => {
    const sdp = [
      'v=0',
      'o=- 3747461237 461 IN IP4 192.0.2.1',
      's=+14155550123',
      'c=IN IP4 192.0.2.1',
      'k=clear:abc',
      'm=audio 17202 RTP/SAVP 0',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4 KDR=0',
      'a=ice-pwd:abcdef',
      '',
    ].join('\r\n');
    expect(body('application/sdp', sdp)).toBe(
      sdp
        .replace(/inline:\S+/, 'inline:[private]')
        .replace('clear:abc', '[private]')
        .replace('abcdef', '[private]')
        .replace('+14155550123', '+141******23'),
    );
  });

  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', 'Signal=*\r\nDuration=160\r\n'],
    ['application/dtmf', '5', '*'],
    ['application/dtmf', '#', '*'],
    ['application/kpml-response+xml', '<r digits="482913" code="200"/>', '<r digits="******" code="***"/>'],
    ['text/plain', 'the code is 482913', 'the code is ******'],
    ['text/plain', 'inline:abcdef', 'inline:[private]'],
    [
      'message/sipfrag;version=2.0',
      'SIP/2.0 200 OK\r\nTo: <sip:+14155550123@h>',
      'SIP/2.0 200 OK\r\nTo: <sip:+141******23@h>',
    ],
  ])('of %s: %s', (type, given, wanted) => {
    expect(body(type, given)).toBe(wanted);
  });
});

it('leaves every line where it was, and no control character', () => {
  const head = `INVITE sip:a@h SIP/2.0\r\nX: \u001b[31mred\u0007\r\nno colon\r\n\tfolded${tail}`;
  const masked = new LadderMask().mask(head, '');
  expect(masked).toBe(`INVITE sip:a@h SIP/2.0\r\nX: \ufffd[31mred\ufffd\r\nno colon\r\n\tfolded${tail}`);
});

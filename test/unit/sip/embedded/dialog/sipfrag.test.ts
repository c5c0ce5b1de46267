import { describe, expect, it } from 'vitest';
import { fragmentStatus } from '../../../../../src/sip/embedded/dialog/sipfrag.ts';
import { Headers } from '../../../../../src/sip/embedded/message/headers.ts';

const status = (body: string, type = 'message/sipfrag;version=2.0') =>
  fragmentStatus(new Headers().add('Content-Type', type), Buffer.from(body));

describe('a message fragment', () => {
  it.each([
    ['SIP/2.0 200 OK', 200],
    ['SIP/2.0 100 Trying\r\nContact: <sip:a@b>\r\n', 100],
    ['SIP/2.0 486\r\n', 486],
    ['sip/2.0 603 Decline\n', 603],
  ])('begins with a status line: %j', (body, expected) => {
    expect(status(body)).toBe(expected);
  });

  it.each([
    [''],
    ['SIP/2.0 20'],
    ['SIP/2.0 2000 OK'],
    ['SIP/2.0 700 X'],
    ['INVITE sip:a@b SIP/2.0'],
    [' SIP/2.0 200 OK'],
  ])('is none: %j', body => {
    expect(status(body)).toBeUndefined();
  });

  it('is none of another type, and a long one costs nothing', () => {
    expect(status('SIP/2.0 200 OK', 'text/plain')).toBeUndefined();
    expect(status(`SIP/2.0 200 ${'x'.repeat(60_000)}`)).toBe(200);
  });
});

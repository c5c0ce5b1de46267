import { describe, expect, it } from 'vitest';
import { contentObjection, sdpOf } from '../../../../../src/sip/embedded/dialog/content.ts';
import { invite, offer, parseRequest } from '../messages.ts';

function mixed(...parts: [type: string, body: string, ...headers: string[]][]) {
  const body = parts
    .map(
      ([type, text, ...headers]) =>
        `--cut\r\n${[`Content-Type: ${type}`, ...headers].join('\r\n')}\r\n\r\n${text}\r\n`,
    )
    .join('');
  return parseRequest(invite({ type: 'multipart/mixed;boundary=cut', body: `${body}--cut--\r\n` }));
}

const sdp: [string, string] = ['application/sdp', offer];
const status = (...parts: Parameters<typeof mixed>) => contentObjection(mixed(...parts))?.status;

describe('the body of an INVITE', () => {
  it('may hold SDP among parts that are not understood', () => {
    const request = mixed(['application/isup;version=itu-t92+', '\x01\x02'], sdp, [
      'application/pidf+xml',
      '<x/>',
    ]);
    expect(contentObjection(request)).toBeUndefined();
    expect(sdpOf(request)).toBe(offer);
  });

  it('may hold parts alone that can be ignored: the INVITE then has no offer', () => {
    const request = mixed(['application/isup', 'x', 'Content-Disposition: signal;handling=optional']);
    expect(contentObjection(request)).toBeUndefined();
    expect(sdpOf(request)).toBeUndefined();
  });

  it('is 415 with a part that must be understood and is not', () => {
    expect(status(sdp, ['application/isup', 'x', 'Content-Disposition: signal; handling = required'])).toBe(
      415,
    );
    expect(
      status(sdp, ['application/isup', 'x', 'Content-Disposition: signal;handling=optional']),
    ).toBeUndefined();
  });

  it('is 415 with SDP in an encoding that is not read', () => {
    expect(status(['application/sdp', 'dj0w', 'Content-Transfer-Encoding: base64'])).toBe(415);
    expect(status(['application/sdp', offer, 'Content-Transfer-Encoding: 8bit'])).toBeUndefined();
  });

  it('is 400 when it is multipart in name only', () => {
    for (const type of ['multipart/mixed;boundary=cut', 'multipart/mixed']) {
      expect(contentObjection(parseRequest(invite({ type, body: offer })))?.status).toBe(400);
    }
  });
});

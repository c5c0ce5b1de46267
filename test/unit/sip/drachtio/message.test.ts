import { describe, expect, it } from 'vitest';
import { readRequest, readResponse, sourceOf } from '../../../../src/sip/drachtio/message.ts';
import { contentOf, notSent } from '../../../../src/sip/drachtio/reply.ts';
import { invite, offer } from '../embedded/messages.ts';

describe('a message as the server wrote it down', () => {
  it('is read by our own parser, with its repeated fields and its body', () => {
    const read = readRequest(invite({ headers: ['X-Two: a', 'X-Two: b, c'] }));
    expect(read.ok && read.value.headers.all('X-Two')).toEqual(['a', 'b, c']);
    expect(read.ok && read.value.body.toString()).toBe(offer);
  });

  it.each([
    ['nothing', '', 0],
    ['a response in the place of a request', 'SIP/2.0 200 OK\r\n\r\n', 0],
    ['no mandatory fields', 'INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\n\r\n', 400],
    ['a body above the limit', `${invite()}${'x'.repeat(40_000)}`, 413],
    ['a head above the limit', invite({ headers: [`X-Long: ${'x'.repeat(40_000)}`] }), 413],
  ])('is refused with %s', (_what, text, status) => {
    const read = readRequest(text);
    expect(read.ok ? 'read' : read.failure.status).toBe(status);
  });

  it('is no response when it is a request', () => {
    expect(readResponse(invite())).toMatchObject({ ok: false, failure: { code: 'bad-response' } });
  });
});

describe('where a request came from', () => {
  const arrival = {
    source_address: '192.0.2.1',
    source_port: 5062,
    protocol: 'tcp',
    receivedOn: '192.0.2.9:5060',
  };
  const local = { localAddress: '127.0.0.1' };

  it.each([
    ['tcp', 'tcp'],
    ['udp', 'tcp'],
    ['ws', 'tcp'],
    ['tls', 'tls'],
    ['wss', 'tls'],
  ])('over %s counts as %s', (protocol, transport) => {
    expect(sourceOf({ ...arrival, protocol, socket: local }).transport).toBe(transport);
  });

  it.each([
    ['127.0.0.1', '192.0.2.9'],
    ['::ffff:127.0.0.1', '192.0.2.9'],
    ['::1', '192.0.2.9'],
    ['198.51.100.4', '198.51.100.4'],
    ['::ffff:198.51.100.4', '198.51.100.4'],
    [undefined, '192.0.2.9'],
  ])('with the link at %s our end is %s', (localAddress, expected) => {
    expect(sourceOf({ ...arrival, socket: { localAddress } }).localAddress).toBe(expected);
  });

  it('is an address without brackets', () => {
    const source = sourceOf({
      ...arrival,
      source_address: '[2001:db8::1]',
      receivedOn: '[2001:db8::9]:5060',
      socket: local,
    });
    expect([source.address, source.localAddress]).toEqual(['2001:db8::1', '2001:db8::9']);
  });
});

describe('what is given to the package', () => {
  it('has one value for each name, as a list where there are several', () => {
    const lines = [
      ['WWW-Authenticate', 'Digest a'],
      ['Allow', 'INVITE'],
      ['www-authenticate', 'Digest b'],
    ] as const;
    expect(contentOf(lines, 'body')).toEqual({
      headers: { 'WWW-Authenticate': 'Digest a, Digest b', Allow: 'INVITE' },
      body: 'body',
    });
    expect(contentOf([])).toEqual({ headers: {} });
  });

  it.each([['a string'], [new Error('a string')]])('fails with %s in the same words', error => {
    expect(notSent(error)).toMatchObject({
      code: 'not-sent',
      message: 'the drachtio-server did not send it: a string',
    });
  });
});

import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formFields, SignatureCheck } from '../../../src/twilio/signature.ts';

const token = '0123456789abcdef0123456789abcdef';
const form = 'application/x-www-form-urlencoded; charset=UTF-8';

/** What Twilio says it does, written down anew: HMAC-SHA1 over the URL and the sorted fields. */
function signed(url: string, fields: Readonly<Record<string, readonly string[]>> = {}, key = token): string {
  const sorted = Object.keys(fields).sort();
  const text = sorted.flatMap(name => [...new Set(fields[name])].sort().map(value => `${name}${value}`));
  return createHmac('sha1', key)
    .update(url + text.join(''), 'utf8')
    .digest('base64');
}

const fieldsOf = (body: string) => {
  const query = new URLSearchParams(body);
  return Object.fromEntries([...query.keys()].map(name => [name, query.getAll(name)]));
};

function check(options: { base?: string; tokens?: readonly string[] } = {}): SignatureCheck {
  return new SignatureCheck(options.base ?? 'https://bridge.example', () => options.tokens ?? [token]);
}

function post(body: string, signature: string | undefined, target = '/twilio/voice') {
  return { signature, target, contentType: form, body: Buffer.from(body) };
}

const body = 'CallSid=CA0123&From=%2B14155550123&To=%2B14155550199&Name=+two++blanks+';

describe('the signature of a form', () => {
  it('is taken when Twilio made it over the public URL and the fields', () => {
    const good = signed('https://bridge.example/twilio/voice', fieldsOf(body));
    expect(check().request(post(body, good))).toBe(true);
  });

  it('is refused when it is forged, empty, absent, cut or endless', () => {
    const good = signed('https://bridge.example/twilio/voice', fieldsOf(body));
    const forged = signed('https://bridge.example/twilio/voice', fieldsOf(body), 'another token');
    for (const bad of [forged, '', undefined, good.slice(1), `${good} `, 'A'.repeat(1_000_000), '\u0000'])
      expect(check().request(post(body, bad))).toBe(false);
  });

  it.each([
    ['a field is changed', body.replace('0199', '0198')],
    ['a field is added', `${body}&Direction=inbound`],
    ['a field is missing', body.replace('CallSid=CA0123&', '')],
    ['a value is trimmed', body.replace('+two++blanks+', 'two++blanks')],
  ])('is refused when %s', (_what, changed) => {
    const good = signed('https://bridge.example/twilio/voice', fieldsOf(body));
    expect(check().request(post(changed, good))).toBe(false);
  });

  it('holds for one path and one query alone', () => {
    const good = signed('https://bridge.example/twilio/voice?a=1', fieldsOf(body));
    expect(check().request(post(body, good, '/twilio/voice?a=1'))).toBe(true);
    expect(check().request(post(body, good, '/twilio/sms?a=1'))).toBe(false);
    expect(check().request(post(body, good, '/twilio/voice?a=2'))).toBe(false);
    expect(check().request(post(body, good, '/twilio/voice'))).toBe(false);
  });

  it('counts fields that come more than once with each of their values, in whatever order', () => {
    const repeated = 'MediaUrl=https%3A%2F%2Fb&MediaUrl=https%3A%2F%2Fa&MediaUrl=https%3A%2F%2Fb&Body=x';
    const good = signed('https://bridge.example/twilio/sms', fieldsOf(repeated));
    expect(check().request(post(repeated, good, '/twilio/sms'))).toBe(true);
    const fewer = repeated.replace('MediaUrl=https%3A%2F%2Fa&', '');
    expect(check().request(post(fewer, good, '/twilio/sms'))).toBe(false);
    expect(formFields(Buffer.from(repeated)).MediaUrl).toEqual(['https://b', 'https://a', 'https://b']);
  });

  it('takes fields with the names of what every object has', () => {
    const odd = '__proto__=x&constructor=y&toString=z';
    const good = signed('https://bridge.example/twilio/sms', {
      ['__proto__']: ['x'],
      constructor: ['y'],
      toString: ['z'],
    });
    expect(check().request(post(odd, good, '/twilio/sms'))).toBe(true);
  });

  it('takes letters of every language', () => {
    const text = `Body=${encodeURIComponent('Grüße 👋 — ñ')}`;
    const good = signed('https://bridge.example/twilio/sms', fieldsOf(text));
    expect(check().request(post(text, good, '/twilio/sms'))).toBe(true);
  });
});

describe('the URL that was signed', () => {
  it('is the public one, whatever scheme and host the connection has behind a proxy', () => {
    // The proxy speaks http to http://10.0.0.7:8090: neither that nor its headers are any part of this.
    const good = signed('https://bridge.example/twilio/voice', fieldsOf(body));
    const plain = signed('http://bridge.example/twilio/voice', fieldsOf(body));
    const inner = signed('http://10.0.0.7:8090/twilio/voice', fieldsOf(body));
    expect(check().request(post(body, good))).toBe(true);
    expect(check().request(post(body, plain))).toBe(false);
    expect(check().request(post(body, inner))).toBe(false);
    expect(
      check({ base: 'http://localhost' }).request(
        post(body, signed('http://localhost/twilio/voice', fieldsOf(body))),
      ),
    ).toBe(true);
  });

  it('may have the port of its scheme or not', () => {
    const withPort = signed('https://bridge.example:443/twilio/voice', fieldsOf(body));
    const without = signed('https://bridge.example/twilio/voice', fieldsOf(body));
    for (const base of ['https://bridge.example', 'https://bridge.example:443']) {
      expect(check({ base }).request(post(body, withPort))).toBe(true);
      expect(check({ base }).request(post(body, without))).toBe(true);
    }
  });

  it('may have a port of its own, and begin with a path', () => {
    const base = 'https://bridge.example:8443/phones/';
    const good = signed('https://bridge.example:8443/phones/twilio/voice', fieldsOf(body));
    expect(check({ base }).request(post(body, good))).toBe(true);
  });

  it('is none that a client could name in the first line', () => {
    for (const target of [
      'https://bridge.example/twilio/voice',
      '//evil.example/twilio/voice',
      '@evil/',
      'x',
      '',
      '\\',
      '%',
    ])
      expect(check().request(post(body, signed(target, fieldsOf(body)), target))).toBe(false);
  });

  it('never makes the check throw', () => {
    for (const base of ['', 'nonsense', 'https://', 'https://[']) {
      expect(check({ base }).request(post(body, 'x'))).toBe(false);
      expect(check({ base }).upgrade('x', '/twilio/media')).toBe(false);
    }
  });
});

describe('the signature of a request without a form', () => {
  it('is over the URL alone when there is no body', () => {
    const good = signed('https://bridge.example/twilio/menu/main?Digits=1&CallSid=CA1');
    const request = {
      signature: good,
      target: '/twilio/menu/main?Digits=1&CallSid=CA1',
      contentType: undefined,
      body: Buffer.alloc(0),
    };
    expect(check().request(request)).toBe(true);
    expect(check().request({ ...request, target: '/twilio/menu/main?Digits=2&CallSid=CA1' })).toBe(false);
  });

  const json = Buffer.from('{ "b": 1,\n "a": "ü" }');
  const hash = createHash('sha256').update(json).digest('hex');
  const target = `/twilio/events?bodySHA256=${hash}`;
  const request = {
    signature: signed(`https://bridge.example${target}`),
    target,
    contentType: 'application/json',
    body: json,
  };

  it('takes JSON by the hash of its very bytes', () => {
    expect(check().request(request)).toBe(true);
    const same = Buffer.from(JSON.stringify(JSON.parse(json.toString())));
    expect(check().request({ ...request, body: same })).toBe(false);
  });

  it('refuses JSON whose hash is not in the URL: nobody would have signed it', () => {
    const bare = signed('https://bridge.example/twilio/events');
    expect(check().request({ ...request, signature: bare, target: '/twilio/events' })).toBe(false);
    const wrong = `/twilio/events?bodySHA256=${'0'.repeat(64)}`;
    const signature = signed(`https://bridge.example${wrong}`);
    expect(check().request({ ...request, signature, target: wrong })).toBe(false);
  });

  it('refuses a body of no known kind that was signed as if there were none', () => {
    const bare = signed('https://bridge.example/twilio/voice');
    for (const contentType of [undefined, 'text/plain', 'multipart/form-data; boundary=x'])
      expect(
        check().request({ signature: bare, target: '/twilio/voice', contentType, body: Buffer.from(body) }),
      ).toBe(false);
  });
});

describe('the signature of an upgrade', () => {
  it('is over wss, with or without a slash at the end, with or without the port', () => {
    for (const url of [
      'wss://bridge.example/twilio/media/1',
      'wss://bridge.example/twilio/media/1/',
      'wss://bridge.example:443/twilio/media/1',
      'wss://bridge.example:443/twilio/media/1/',
    ])
      for (const target of ['/twilio/media/1', '/twilio/media/1/'])
        expect(check().upgrade(signed(url), target)).toBe(true);
  });

  it('can be told beforehand for one path, so that who compares needs no token', () => {
    const path = '/twilio/media/0/1';
    const tokens = ['the one of the moment', 'the one before it'];
    for (const base of [
      'https://bridge.example',
      'https://bridge.example:443',
      'https://bridge.example:8443/phones',
      'http://127.0.0.1:8090',
    ]) {
      const made = check({ base, tokens });
      const told = made.upgradeSignatures(path);
      const url = base.replace(/^http/, 'ws') + path;
      const spellings = [url, `${url}/`].flatMap(each => [
        each,
        each.replace('example/', 'example:443/'),
        each.replace(/:\d+/, ''),
      ]);
      for (const spelling of spellings)
        for (const token of tokens) {
          const signature = signed(spelling, {}, token);
          expect(made.upgrade(signature, path)).toBe(true);
          expect(told).toContain(signature);
        }
      for (const wrong of [
        signed(url),
        signed(`${url}1`, {}, tokens[0]),
        signed(`${url}?a=1`, {}, tokens[0]),
      ])
        expect(told).not.toContain(wrong);
    }
    expect(check({ tokens: [] }).upgradeSignatures(path)).toEqual([]);
  });

  it('is refused for another path, another scheme, another host, and when it is forged', () => {
    for (const url of [
      'wss://bridge.example/twilio/media/2',
      'https://bridge.example/twilio/media/1',
      'ws://bridge.example/twilio/media/1',
      'wss://evil.example/twilio/media/1',
    ])
      expect(check().upgrade(signed(url), '/twilio/media/1')).toBe(false);
    const forged = signed('wss://bridge.example/twilio/media/1', {}, 'another');
    expect(check().upgrade(forged, '/twilio/media/1')).toBe(false);
    expect(check().upgrade(undefined, '/twilio/media/1')).toBe(false);
  });

  it('takes a public URL on loopback without TLS, for a stand-in', () => {
    const base = 'http://127.0.0.1:8090';
    expect(check({ base }).upgrade(signed('ws://127.0.0.1:8090/twilio/media/1'), '/twilio/media/1')).toBe(
      true,
    );
  });
});

describe('the tokens', () => {
  const request = () => post(body, signed('https://bridge.example/twilio/voice', fieldsOf(body)));

  it('may be several: one of them is enough', () => {
    expect(check({ tokens: ['new', token] }).request(request())).toBe(true);
  });

  it('may be none: then nothing is taken, an empty key included', () => {
    const empty = signed('https://bridge.example/twilio/voice', fieldsOf(body), '');
    expect(check({ tokens: [] }).request(request())).toBe(false);
    expect(check({ tokens: [] }).request(post(body, empty))).toBe(false);
  });
});

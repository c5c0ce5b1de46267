import { X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesOf, readAgain, type TlsTexts } from '../../../src/config/certificates.ts';
import { loadConfig } from '../../../src/config/load.ts';

async function pair() {
  const made = await generate([{ name: 'commonName', value: 'a' }], { keyType: 'ec', algorithm: 'sha256' });
  return { cert: made.cert.trim(), key: made.private.trim() };
}
type Pair = Awaited<ReturnType<typeof pair>>;
let one: Pair;
let two: Pair;
beforeAll(async () => {
  [one, two] = await Promise.all([pair(), pair()]);
});

const paths = { cert: '/c', key: '/k', named: [{ cert: '/nc', key: '/nk' }] };
const texts = (): TlsTexts => ({ ...one, named: [{ names: ['a.example'], ...one }] });

describe('our own certificates', () => {
  it('are told of when they do not hold, each by the setting that names it', () => {
    const yaml =
      'sip: {listen: ["tls://127.0.0.1:5061"], tls_cert: /c, tls_key: /k, tls_certificates: [{names: [a.example], cert: /c, key: /k}]}';
    const files: Record<string, string> = { 'c.yaml': yaml, '/c': one.cert, '/k': one.key };
    const env = { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'agent_1' };
    const notes = (now: number) => {
      const loaded = loadConfig({ env, path: 'c.yaml', read: path => files[path] ?? '', now });
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
      return loaded.value.notes;
    };
    const { validFrom, validTo } = new X509Certificate(one.cert);
    expect(notes(Date.parse(validFrom))).toEqual([]);
    expect(notes(Date.parse(validFrom) - 1)).toEqual([
      expect.stringMatching(/SIP_TLS_CERT holds only from/),
      expect.stringMatching(/sip\.tls_certificates \(a\.example\) holds only from/),
    ]);
    expect(notes(Date.parse(validTo) + 1)[0]).toMatch(/SIP_TLS_CERT has expired/);
  });
});

describe('certificates that are read again', () => {
  const reading = (files: Record<string, string>) => (path: string) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  };

  it('are what the files hold now', () => {
    const files = { '/c': `${two.cert}\n`, '/k': two.key, '/nc': two.cert, '/nk': two.key };
    const read = readAgain(texts(), paths, reading(files));
    const now = { ...two, named: [{ names: ['a.example'], ...two }] };
    expect(read).toEqual({ texts: now, changed: true, problems: [] });
    expect(filesOf(paths)).toEqual(['/c', '/k', '/nc', '/nk']);
  });

  it('stay what they are where they stood in the configuration itself', () => {
    const read = readAgain(texts(), { named: [{}] }, reading({}));
    expect(read).toEqual({ texts: texts(), changed: false, problems: [] });
    expect(filesOf({ named: [{}] })).toEqual([]);
  });

  it.each([
    [
      'a key that does not belong to it',
      () => ({ '/c': two.cert, '/k': one.key, '/nc': one.cert, '/nk': one.key }),
      'SIP_TLS_CERT: the key (/k) does not belong to the certificate (/c)',
    ],
    [
      'half a file',
      () => ({ '/c': one.cert.slice(0, 100), '/k': one.key, '/nc': one.cert, '/nk': one.key }),
      'SIP_TLS_CERT: /c holds no certificate that can be read',
    ],
    [
      'half a key',
      () => ({ '/c': one.cert, '/k': one.key.slice(0, 60), '/nc': one.cert, '/nk': one.key }),
      'SIP_TLS_CERT: /k holds no private key that can be read without a pass phrase',
    ],
    [
      'a file that is gone',
      () => ({ '/c': one.cert, '/k': one.key, '/nc': one.cert }),
      'sip.tls_certificates (a.example): /nk cannot be read (ENOENT)',
    ],
    [
      'a named one that does not fit',
      () => ({ '/c': one.cert, '/k': one.key, '/nc': one.cert, '/nk': two.key }),
      'sip.tls_certificates (a.example): the key (/nk) does not belong to the certificate (/nc)',
    ],
  ])('are not taken with %s, which is named', (_title, files, why) => {
    const read = readAgain(texts(), paths, reading(files()));
    expect(read).toEqual({ texts: texts(), changed: false, problems: [why] });
  });

  it('are renewed each by itself: one that cannot be used keeps no other from it', () => {
    const half = { '/c': two.cert, '/k': two.key, '/nc': two.cert, '/nk': one.key };
    const read = readAgain(texts(), paths, reading(half));
    expect(read.texts).toEqual({ ...two, named: [{ names: ['a.example'], ...one }] });
    expect(read.changed).toBe(true);
    expect(read.problems).toHaveLength(1);
  });

  it('keep the authorities that there were while those of the file cannot be read', () => {
    const ca = { ...texts(), ca: one.cert };
    const files = { '/c': two.cert, '/k': two.key, '/nc': two.cert, '/nk': two.key, '/ca': 'none' };
    const read = readAgain(ca, { ...paths, ca: '/ca' }, reading(files));
    expect(read.texts).toMatchObject({ ...two, ca: one.cert });
    expect(read.problems).toEqual(['SIP_TLS_CA: /ca holds no certificate that can be read']);
  });
});

describe('the file of a key', () => {
  const files = () => ({ '/c': one.cert, '/k': one.key, '/link': '/k\n' });
  const load = (env: Record<string, string>, yaml = '') =>
    loadConfig({
      env: { ELEVENLABS_API_KEY: 'k', ELEVENLABS_AGENT_ID: 'a', ...env },
      path: '/c.yaml',
      read(path) {
        const text = { '/c.yaml': yaml, ...files() }[path];
        if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        return text;
      },
    });

  it.each([
    ['a path', { SIP_TLS_CERT: '/c', SIP_TLS_KEY: '/k' }, ''],
    ['SIP_TLS_KEY_FILE', { SIP_TLS_CERT: '/c', SIP_TLS_KEY_FILE: '/k' }, ''],
    ['SIP_TLS_KEY_FILE that holds the path', { SIP_TLS_CERT: '/c', SIP_TLS_KEY_FILE: '/link' }, ''],
    ['a path in the file', {}, 'sip: { tls_cert: /c, tls_key: /k }\n'],
    ['file:', {}, 'sip: { tls_cert: "file:/c", tls_key: "file:/k" }\n'],
  ])('is known, so that it is read again, from %s', (_title, env, yaml) => {
    const loaded = load(env, yaml);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
    const { sip, secrets } = loaded.value.config;
    expect(sip.tlsPaths).toEqual({ cert: '/c', key: '/k', named: [] });
    expect(secrets.sipTlsKey).toBe(one.key);
  });

  it('is known of certificates by name, too', () => {
    const loaded = load(
      {},
      'sip: { tls_certificates: [{ names: [a.example], cert: "file:/c", key: "file:/k" }] }\n',
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
    expect(loaded.value.config.sip.tlsPaths).toEqual({ named: [{ cert: '/c', key: '/k' }] });
  });

  it('is none where the text stands in the variable itself', () => {
    const loaded = load({ SIP_TLS_CERT: '/c', SIP_TLS_KEY: one.key.replaceAll('\n', '\\n') });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
    expect(loaded.value.config.sip.tlsPaths).toEqual({ cert: '/c', named: [] });
  });
});

describe('certificates by name', () => {
  const load = (yaml: string, files: Record<string, string> = {}) =>
    loadConfig({
      env: { ELEVENLABS_API_KEY: 'k', ELEVENLABS_AGENT_ID: 'a' },
      path: '/c.yaml',
      read(path) {
        const text = { '/c.yaml': yaml, ...files }[path];
        if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        return text;
      },
    });

  it('are read from their files, whose paths are kept and whose keys are secrets', () => {
    const yaml =
      'sip:\n  tls_certificates:\n    - { names: [SIP.example.com, "*.example.org"], cert: /nc, key: /nk }\n';
    const loaded = load(yaml, { '/nc': one.cert, '/nk': one.key });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
    const { sip, secrets } = loaded.value.config;
    expect(sip.tlsNamed).toEqual([{ names: ['sip.example.com', '*.example.org'], cert: one.cert }]);
    expect(secrets.sipTlsNamedKeys).toEqual([one.key]);
    expect(sip.tlsPaths).toEqual({ named: [{ cert: '/nc', key: '/nk' }] });
    expect(JSON.stringify(loaded.value.config)).not.toContain('PRIVATE');
  });

  it.each([
    ['{ names: [a], cert: /nc }', 'needs key'],
    ['{ names: ["a b"], cert: /nc, key: /nk }', 'is not a host name'],
    ['{ names: [a], cert: /none, key: /nk }', 'cannot be read (ENOENT)'],
    ['{ names: [a], cert: /nk, key: /nk }', 'must be a PEM certificate'],
    ['{ names: [a], cert: /nc, key: /other }', 'is not the key of the certificate'],
  ])('%s is refused', (entry, problem) => {
    const files = { '/nc': one.cert, '/nk': one.key, '/other': two.key };
    const loaded = load(`sip: { tls_certificates: [${entry}] }\n`, files);
    expect(loaded.ok ? '' : loaded.failure.map(({ what }) => what).join()).toContain(problem);
  });
});

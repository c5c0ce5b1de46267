import { createPrivateKey, X509Certificate } from 'node:crypto';
import { fail, ok, type Result } from '../core/errors.ts';
import type { Config, NamedCertificate, TlsPaths } from './config.ts';
import { list, text } from './readers.ts';
import { Section } from './section.ts';
import { sectionKeys } from './settings.ts';
import type { ReadText, Sources } from './sources.ts';

/** Whether a key belongs to a certificate, or which of them cannot be read. */
export function keyMatches(cert: string, key: string): boolean | 'cert' | 'key' {
  const certificate = attempt(() => new X509Certificate(cert));
  if (certificate === undefined) return 'cert';
  const privateKey = attempt(() => createPrivateKey(key));
  return privateKey === undefined ? 'key' : certificate.checkPrivateKey(privateKey);
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** A sentence for each certificate of our own that does not hold at `now`, ms since 1970. */
export function certificateNotes({ sip }: Pick<Config, 'sip'>, now: number): string[] {
  const own = sip.tlsCert === undefined ? [] : [{ name: 'SIP_TLS_CERT', cert: sip.tlsCert }];
  const named = sip.tlsNamed.map(({ names, cert }) => ({
    name: `sip.tls_certificates (${names.join(', ')})`,
    cert,
  }));
  return [...own, ...named].flatMap(({ name, cert }) => {
    const read = attempt(() => new X509Certificate(cert));
    if (read === undefined) return [];
    const { validFrom, validTo } = read;
    if (Date.parse(validTo) < now)
      return [`The certificate of ${name} has expired (${validTo}): peers will refuse it.`];
    if (Date.parse(validFrom) > now)
      return [`The certificate of ${name} holds only from ${validFrom} on: peers will refuse it.`];
    return [];
  });
}

export interface NamedCertificates {
  readonly named: readonly NamedCertificate[];
  readonly keys: readonly string[];
  readonly paths: TlsPaths['named'];
}

/** Reads `sip.tls_certificates`: `names` that clients ask for, with `cert` and `key` as PEM or path. */
export function readNamedCertificates(sources: Sources): NamedCertificates {
  const named: NamedCertificate[] = [];
  const keys: string[] = [];
  const paths: { cert?: string; key?: string }[] = [];
  for (const section of Section.all(sources, sectionKeys.certificates)) {
    const names = section.value('names', list(serverName));
    const cert = section.pem(
      'cert',
      text(/-----BEGIN CERTIFICATE-----/, 'a PEM certificate, or the path of a file with one'),
    );
    const key = section.pem(
      'key',
      text(/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a PEM private key, or the path of a file with one'),
    );
    section.finish();
    for (const needed of ['names', 'cert', 'key'])
      if (!section.has(needed)) section.complain(`needs ${needed}`);
    if (names === undefined || cert === undefined || key === undefined) continue;
    const fits = keyMatches(cert.text, key.text);
    if (fits === 'cert') section.complain('holds no certificate that can be read', 'cert');
    else if (fits === 'key')
      section.complain('holds no private key that can be read without a pass phrase', 'key');
    else if (!fits) section.complain('is not the key of the certificate beside it', 'key');
    named.push({ names, cert: cert.text });
    keys.push(key.text);
    paths.push({
      ...(cert.path === undefined ? {} : { cert: cert.path }),
      ...(key.path === undefined ? {} : { key: key.path }),
    });
  }
  return { named, keys, paths };
}

function serverName(given: string): Result<string, string> {
  return /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(given)
    ? ok(given.toLowerCase())
    : fail(`"${given}" is not a host name, like sip.example.com or *.example.com`);
}

/** Everything TLS needs, PEM texts. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly named: readonly {
    readonly names: readonly string[];
    readonly cert: string;
    readonly key: string;
  }[];
}

/** Every file that `readAgain` reads. */
export function filesOf({ cert, key, ca, named }: TlsPaths): string[] {
  const all = [cert, key, ca, ...named.flatMap(one => [one.cert, one.key])];
  return [...new Set(all.filter(path => path !== undefined))];
}

/**
 * The texts with what their files hold now. Fails when a file cannot be read or a key does not belong to its
 * certificate, as between the two writes of a renewal. No message holds any text of a file.
 */
export function readAgain(texts: TlsTexts, paths: TlsPaths, read: ReadText): Result<TlsTexts, string> {
  try {
    const fresh = (path: string | undefined, old: string) => (path === undefined ? old : read(path).trim());
    const ca = texts.ca === undefined ? undefined : fresh(paths.ca, texts.ca);
    const now: TlsTexts = {
      cert: fresh(paths.cert, texts.cert),
      key: fresh(paths.key, texts.key),
      ...(ca === undefined ? {} : { ca }),
      named: texts.named.map(({ names, cert, key }, i) => ({
        names,
        cert: fresh(paths.named[i]?.cert, cert),
        key: fresh(paths.named[i]?.key, key),
      })),
    };
    const bad = [now, ...now.named].some(({ cert, key }) => keyMatches(cert, key) !== true);
    if (bad) return fail('a key does not belong to its certificate, or cannot be read');
    return ca !== undefined && attempt(() => new X509Certificate(ca)) === undefined
      ? fail('the authorities cannot be read')
      : ok(now);
  } catch (error) {
    return fail(`a file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
}

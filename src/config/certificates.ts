import { createPrivateKey, X509Certificate } from 'node:crypto';
import { fail, messageOf, ok, type Result } from '../core/errors.ts';
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
    name: namedSetting(names),
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

/** What the files of certificates hold now. */
export interface ReadAgain {
  /** Of what cannot be used, the old text. */
  readonly texts: TlsTexts;
  readonly changed: boolean;
  /** What cannot be used, by its setting and its file; no text of any file. */
  readonly problems: readonly string[];
}

/**
 * The texts with what their files hold now. A certificate whose file cannot be read or whose key does not belong to it, as
 * between the two writes of a renewal, stays what it was, and keeps no other from being renewed.
 */
export function readAgain(texts: TlsTexts, paths: TlsPaths, read: ReadText): ReadAgain {
  const problems: string[] = [];
  let changed = false;
  const fresh = (path: string | undefined, old: string): string => {
    if (path === undefined) return old;
    try {
      return read(path).trim();
    } catch (error) {
      throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
    }
  };
  const kept = <T>(name: string, old: T, renew: () => T): T => {
    try {
      return renew();
    } catch (error) {
      problems.push(`${name}: ${messageOf(error)}`);
      return old;
    }
  };
  const renewed = <T extends { readonly cert: string; readonly key: string }>(old: T, from: PairPaths): T => {
    const cert = fresh(from.cert, old.cert);
    const key = fresh(from.key, old.key);
    const problem = pairProblem(keyMatches(cert, key), from);
    if (problem !== undefined) throw new Error(problem);
    changed ||= cert !== old.cert || key !== old.key;
    return { ...old, cert, key };
  };
  const { cert, key } = kept('SIP_TLS_CERT', texts, () => renewed(texts, paths));
  const named = texts.named.map((old, i) =>
    kept(namedSetting(old.names), old, () => renewed(old, paths.named[i] ?? {})),
  );
  const ca = kept('SIP_TLS_CA', texts.ca, () => {
    const now = texts.ca === undefined ? undefined : fresh(paths.ca, texts.ca);
    if (now !== undefined && attempt(() => new X509Certificate(now)) === undefined)
      throw new Error(`${paths.ca} holds no certificate that can be read`);
    changed ||= now !== texts.ca;
    return now;
  });
  return { texts: { cert, key, ...(ca === undefined ? {} : { ca }), named }, changed, problems };
}

type PairPaths = Pick<TlsPaths, 'cert' | 'key'>;

const namedSetting = (names: readonly string[]): string => `sip.tls_certificates (${names.join(', ')})`;

function pairProblem(fits: ReturnType<typeof keyMatches>, { cert, key }: PairPaths): string | undefined {
  if (fits === true) return undefined;
  if (fits === 'cert') return `${cert} holds no certificate that can be read`;
  if (fits === 'key') return `${key} holds no private key that can be read without a pass phrase`;
  return `the key (${key ?? 'in the configuration'}) does not belong to the certificate (${cert ?? 'in the configuration'})`;
}

import type { ScannedText } from './scanned-text.ts';

/** Endings of domains besides those of countries, which have two letters. */
const topDomains: ReadonlySet<string> = new Set(
  (
    'com net org info biz name pro edu gov mil int app dev io co ai me tv xyz top site online store shop club live life ' +
    'link click page blog cloud tech space website world today work works agency company solutions services support ' +
    'email chat social media news email help host run zone team network systems center group global digital design ' +
    'studio art bank finance money loan loans credit insure insurance health care clinic dental legal law tax travel ' +
    'hotel holiday flights taxi cafe bar pub pizza food restaurant fit fun games game bet casino poker win vip gift ' +
    'gifts deal deals sale promo free download stream video movie photos pics icu buzz rest cyou quest monster lol ' +
    'london berlin paris nyc tokyo africa asia cat eus gal mobi tel jobs aero coop museum post arpa onion'
  ).split(' '),
);

/** All links of a text that do not go to an allowed domain. Looks at each character a bounded number of times. */
export function hasLink(scanned: ScannedText, raw: string, allowedDomains: readonly string[]): boolean {
  const { text, places } = scanned;
  let from = 0;
  for (let at = 0; at <= text.length; at += 1) {
    if (at < text.length && text[at] !== ' ') continue;
    const token = text.slice(from, at);
    if (isLink(token)) {
      const end = at < text.length ? places[at] : raw.length;
      if (!isAllowed(raw.slice(places[from] ?? 0, end), allowedDomains)) return true;
    }
    from = at + 1;
  }
  return false;
}

/** Whether what has no blank in it is or holds something that a telephone makes a link of. */
function isLink(token: string): boolean {
  const plain = token.toLowerCase().replace(/[[({]\.[\])}]/g, '.');
  if (/:\/\/|:\\\\|hxxp|www\./.test(plain)) return true;
  return plain.split(/[^a-z0-9.@-]/).some(isDomain);
}

/** `example.com`; an address of mail is none. */
function isDomain(word: string): boolean {
  if (word.includes('@')) return false;
  const labels = word.replace(/^[.-]+|[.-]+$/g, '').split('.');
  const last = labels.at(-1) ?? '';
  if (labels.length < 2 || labels.some(label => label === '' || label.length > 63)) return false;
  if (labels.length === 4 && labels.every(label => /^[0-9]{1,3}$/.test(label))) return true;
  if (!/^[a-z]{2,24}$/.test(last) && !last.startsWith('xn--')) return false;
  // "e.g." and "10.30h" are none: a name has a letter, and more than one character.
  const name = labels.at(-2) ?? '';
  return (
    name.length > 1 &&
    /[a-z]/.test(name) &&
    (last.length === 2 || topDomains.has(last) || last.startsWith('xn--'))
  );
}

/**
 * Whether a link as it was written, letter for letter, goes to an allowed domain. Whatever is not plain ASCII, and whatever
 * readers of links see differently (user names, backslashes), is not.
 */
export function isAllowed(link: string, allowedDomains: readonly string[]): boolean {
  const plain = link.replace(/^["'(<]{1,3}/, '').replace(/[.,;!?"')>]{1,3}$/, '');
  const match = /^(?:https?:\/\/)?([A-Za-z0-9.-]{3,253})(?::[0-9]{1,5})?(?:[/?#][!-~]*)?$/.exec(plain);
  if (match === null || plain.includes('\\') || plain.includes('@')) return false;
  const host = (match[1] ?? '').toLowerCase();
  return allowedDomains.some(domain => host === domain || host.endsWith(`.${domain}`));
}

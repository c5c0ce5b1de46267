/**
 * Names that a certificate is good for in SIP, lower case (RFC 5922 section 7.1): hosts of `sip:` URIs and DNS names of
 * subjectAltName, else, where it has neither, the common name. `altNames` is the text that `node:crypto` makes of the
 * extension; an entry with anything unusual in it comes quoted there and is left out.
 */
export function certificateNames(altNames: string | undefined, commonName: string | undefined): string[] {
  const names: string[] = [];
  for (const entry of splitEntries(altNames ?? '')) {
    const colon = entry.indexOf(':');
    const kind = entry.slice(0, colon);
    const value = entry.slice(colon + 1).toLowerCase();
    if (value.startsWith('"')) continue;
    if (kind === 'DNS') names.push(value);
    // Section 7.1: only a URI of scheme sip, without user part, is a domain's identity.
    if (kind === 'URI' && value.startsWith('sip:')) names.push(value.slice('sip:'.length));
  }
  const found = names.filter(isHostName);
  if (names.length > 0 || commonName === undefined) return [...new Set(found)];
  const common = commonName.toLowerCase();
  return isHostName(common) ? [common] : [];
}

/** Entries at `, ` outside of quotes. */
function splitEntries(text: string): string[] {
  const entries: string[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && quoted) i++;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === ',' && !quoted) {
      entries.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return [...entries, text.slice(from).trim()];
}

/** Wildcards are none: RFC 5922 section 7.2 forbids them. */
function isHostName(text: string): boolean {
  return /^[a-z0-9.-]{1,253}$/.test(text);
}

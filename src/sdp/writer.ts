import type { Attribute, Connection, SessionDescription } from './description.ts';

/** Writes a session description in the order of RFC 8866 section 5. Throws on a value with a line end in it. */
export function formatSdp(sdp: SessionDescription): string {
  const { user, sessionId, version, address } = sdp.origin;
  const lines = ['v=0', `o=${user} ${sessionId} ${version} IN IP${address.includes(':') ? 6 : 4} ${address}`];
  lines.push(`s=${sdp.name === '' ? '-' : sdp.name}`);
  if (sdp.connection) lines.push(connectionLine(sdp.connection));
  lines.push(`t=${sdp.timing}`, ...sdp.attributes.map(attributeLine));
  for (const media of sdp.media) {
    lines.push(`m=${media.media} ${media.port} ${media.protocol} ${media.formats.join(' ')}`);
    if (media.connection) lines.push(connectionLine(media.connection));
    lines.push(...media.attributes.map(attributeLine));
  }
  for (const line of lines) {
    if (/[\r\n\0]/.test(line)) throw new Error('A value of a session description must not hold line ends.');
  }
  return `${lines.join('\r\n')}\r\n`;
}

function connectionLine({ family, address }: Connection): string {
  return `c=IN IP${family} ${address}`;
}

function attributeLine({ name, value }: Attribute): string {
  return value === undefined ? `a=${name}` : `a=${name}:${value}`;
}

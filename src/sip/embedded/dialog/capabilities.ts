/** Methods that this stack serves, for Allow. */
export const allowed = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'UPDATE',
  'INFO',
  'PRACK',
  'NOTIFY',
] as const;

/** Methods that are known and not served: 405 instead of 501. */
export const known = ['REGISTER', 'SUBSCRIBE', 'PUBLISH', 'MESSAGE', 'REFER'] as const;

/** Methods that make sense only inside a dialogue: 481 without one. */
export const dialogOnly = ['BYE', 'UPDATE', 'INFO', 'NOTIFY', 'PRACK'] as const;

/** Option tags of extensions that a peer may require of us: RFC 3262, RFC 3891 and RFC 4028. */
export const supported: readonly string[] = ['100rel', 'replaces', 'timer'];

export const sdpType = 'application/sdp';

type Line = readonly [name: string, value: string];

export const allowLine: Line = ['Allow', allowed.join(', ')];
export const acceptLine: Line = ['Accept', `${sdpType}, multipart/mixed`];
export const supportedLine: Line = ['Supported', supported.join(', ')];

/** What OPTIONS asks for (RFC 3261 section 11.2). */
export const capabilityLines: readonly Line[] = [
  allowLine,
  acceptLine,
  ['Accept-Encoding', 'identity'],
  ['Accept-Language', 'en'],
  supportedLine,
];

/** RFC 3261 section 20.41: a name, and no version for those who collect them. */
export const userAgentLine: Line = ['User-Agent', 'Trunkbridge'];

/** What a destination gets as User-to-User (RFC 7433), in ElevenLabs' words. */
export interface UserToUser {
  /** At most 256 bytes. */
  readonly data: string;
  /** First octet of what ISDN carries, as two hexadecimal digits: `04` is IA5 text, `00` is anything. */
  readonly protocolDiscriminator: string;
  /** Where that octet stands: before the data, or in a parameter `pd`. */
  readonly mode: 'prefix' | 'pd_parameter';
}

/** The value of the header field. */
export function userToUser({ data, protocolDiscriminator, mode }: UserToUser): string {
  const hex = Buffer.from(data, 'utf8').toString('hex');
  return mode === 'prefix'
    ? `${protocolDiscriminator}${hex};encoding=hex`
    : `${hex};encoding=hex;pd=${protocolDiscriminator}`;
}

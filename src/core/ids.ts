import { freshHex } from './random.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** One call inside this daemon, for its whole life; never sent to a peer. */
export type CallKey = Branded<'CallKey'>;
/** One media leg, unique in this process. */
export type LegId = Branded<'LegId'>;
/** A client tool call as the agent numbers it. */
export type ToolCallId = Branded<'ToolCallId'>;
/** ElevenLabs' name of a conversation. */
export type ConversationId = Branded<'ConversationId'>;

/** 96 random bits as 24 hexadecimal digits. */
function random(): string {
  return freshHex(12);
}

export const newCallKey = (): CallKey => `call_${random()}` as CallKey;
export const newLegId = (): LegId => `leg_${random()}` as LegId;

import { accountSpec, createAccountTool } from './account/tool.ts';
import { callsSpec, createCallsTool } from './call-log/tool.ts';
import { createLookupTool, lookupSpec } from './lookup/tool.ts';
import { createSearchTool, searchSpec } from './messaging/search.ts';
import { createSmsTool, smsSpec } from './messaging/sms.ts';
import { createWhatsAppTool, whatsAppSpec } from './messaging/whatsapp.ts';
import type { Tool } from './tool.ts';
import type { ToolSpec, TwilioToolParts } from './twilio-parts.ts';
import { verifyPhoneSpec } from './verify/phone-tool.ts';

/** The seven tools of the Twilio account, which an agent is given as one group; by what is told of each. */
export function twilioToolSpecs(country?: string): ToolSpec<unknown>[] {
  return [
    smsSpec(country),
    whatsAppSpec(country),
    searchSpec(country),
    lookupSpec(country),
    callsSpec(country),
    verifyPhoneSpec(country),
    accountSpec(),
  ] as ToolSpec<unknown>[];
}

export const twilioToolNames: readonly string[] = twilioToolSpecs().map(({ name }) => name);

/** Those of the seven that are not of the one-time codes: `twilio_verify_phone` is made with those (`createVerifyTools`). */
export function createTwilioTools(parts: TwilioToolParts): Tool[] {
  return [
    createSmsTool(parts),
    createWhatsAppTool(parts),
    createSearchTool(parts),
    createLookupTool(parts),
    createCallsTool(parts),
    createAccountTool(parts),
  ];
}

import { bridgeTokenVariable } from '../../../core/bridge-token.ts';
import type { AgentTool } from './agent-view.ts';
import { type DescribedTool, parametersOf } from './tool-schema.ts';

/** How an agent reaches the tools of the one-time codes. */
export const toolKinds = ['client', 'bridge', 'twilio'] as const;
export type ToolKind = (typeof toolKinds)[number];

/** Tools that only a bridge has, offered beside those of the one-time codes when asked for. */
export const moreTools = ['transfer_to_number', 'play_keypad_touch_tone', 'hold'] as const;
export type MoreTool = (typeof moreTools)[number];

/** Where webhook tools send their requests, and what they sign in with. */
export interface WebhookDoor {
  /** Base of the two URLs, without a trailing slash. */
  readonly url: string;
  /** Value of the Authorization header: the id of a workspace secret, or words that say which one is meant. */
  readonly secretId: string;
}

/** Header that says which call a webhook tool is run for. */
export const bridgeTokenHeader = 'X-Bridge-Token';

export const otpToolNames = ['send_SMS_verification', 'check_SMS_verification'] as const;
export type OtpToolName = (typeof otpToolNames)[number];

interface Parameter {
  readonly type: 'string' | 'boolean';
  readonly description: string;
  readonly enum?: readonly string[];
}

interface ToolText {
  readonly description: string;
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, Parameter>>;
}

const otpTools: Readonly<Record<OtpToolName, ToolText>> = {
  send_SMS_verification: {
    description:
      "Sends a one-time code to the caller's telephone. Use it once you know which number the code shall go to. The answer is JSON: act on its status and message. Never say that a code was sent unless status is pending.",
    required: ['To'],
    properties: {
      To: {
        type: 'string',
        description:
          'The telephone number with + and country code, for instance +14155550123. Unless the caller names another one, it is {{caller_id}}.',
      },
      Channel: {
        type: 'string',
        enum: ['sms', 'call', 'whatsapp'],
        description:
          'How the code is sent. sms unless the caller wants something else, or the number is a landline: then call.',
      },
    },
  },
  check_SMS_verification: {
    description:
      'Checks the one-time code that the caller has read out or keyed. The caller is verified only if status is approved or already_verified.',
    required: ['To', 'Code'],
    properties: {
      To: {
        type: 'string',
        description: 'The number that the code was sent to, as given to send_SMS_verification.',
      },
      Code: {
        type: 'string',
        description: 'The digits of the code as text, with every zero in front, for instance 042917.',
      },
    },
  },
};

const bridgeTools: Readonly<Record<MoreTool, ToolText>> = {
  transfer_to_number: {
    description:
      'Connects the caller with one of the destinations that the operator allows. Say what is to be said to the caller before.',
    required: ['destination'],
    properties: {
      destination: { type: 'string', description: 'Name of the destination, as the operator has named it.' },
      reason: { type: 'string', description: 'Why the caller is transferred, in a few words.' },
    },
  },
  play_keypad_touch_tone: {
    description: 'Presses keys of the telephone, for menus of others.',
    required: ['dtmf_tones'],
    properties: {
      dtmf_tones: {
        type: 'string',
        description:
          'Keys in their order: 0-9, * and #, with w for half a second and W for a second of pause.',
      },
    },
  },
  hold: {
    description:
      'Puts the caller on hold, who then hears nothing and is not heard, or takes the caller back.',
    required: ['on'],
    properties: { on: { type: 'boolean', description: 'true to hold, false to take the caller back.' } },
  },
};

const common = {
  response_timeout_secs: 20,
  interruption_mode: 'disable_during_tool',
  tool_error_handling_mode: 'passthrough',
} as const;

function schemaOf({ required, properties }: ToolText) {
  return { type: 'object', required: [...required], properties: { ...properties } } as const;
}

function clientTool(name: string, text: ToolText): AgentTool {
  const { description } = text;
  return { type: 'client', name, description, expects_response: true, ...common, parameters: schemaOf(text) };
}

/** What each kind calls, behind its base. Verify: https://www.twilio.com/docs/verify/api (verify_v2). */
const paths: Readonly<Record<'bridge' | 'twilio', Readonly<Record<OtpToolName, string>>>> = {
  bridge: {
    send_SMS_verification: '/tools/send_SMS_verification',
    check_SMS_verification: '/tools/check_SMS_verification',
  },
  twilio: { send_SMS_verification: '/Verifications', check_SMS_verification: '/VerificationCheck' },
};

function webhookTool(name: OtpToolName, kind: 'bridge' | 'twilio', door: WebhookDoor): AgentTool {
  const text = otpTools[name];
  return {
    type: 'webhook',
    name,
    description: text.description,
    ...common,
    api_schema: {
      url: `${door.url}${paths[kind][name]}`,
      method: 'POST',
      content_type: 'application/x-www-form-urlencoded',
      request_headers: {
        Authorization: { secret_id: door.secretId },
        ...(kind === 'bridge' ? { [bridgeTokenHeader]: { variable_name: bridgeTokenVariable } } : {}),
      },
      request_body_schema: schemaOf(text),
    },
  };
}

/** A tool that describes itself: over the conversation, or as a webhook tool with a JSON body where `door` says where to. */
function describedTool(
  { name, description, input }: DescribedTool,
  door: WebhookDoor | undefined,
): AgentTool {
  const parameters = parametersOf(input);
  if (door === undefined) {
    return { type: 'client', name, description, expects_response: true, ...common, parameters };
  }
  return {
    type: 'webhook',
    name,
    description,
    ...common,
    api_schema: {
      url: `${door.url}/tools/${name}`,
      method: 'POST',
      content_type: 'application/json',
      request_headers: {
        Authorization: { secret_id: door.secretId },
        [bridgeTokenHeader]: { variable_name: bridgeTokenVariable },
      },
      request_body_schema: parameters,
    },
  };
}

/**
 * The configurations of the tools an agent shall have, by ElevenLabs' shapes. `described` are of this bridge, and reach it
 * the same way as the codes; those that go straight to Twilio leave them to the conversation.
 */
export function toolConfigs(
  kind: ToolKind,
  door: WebhookDoor | undefined,
  more: readonly MoreTool[] = [],
  described: readonly DescribedTool[] = [],
): AgentTool[] {
  const codes = otpToolNames.map(name => {
    if (kind === 'client') return clientTool(name, otpTools[name]);
    if (door === undefined) throw new Error('webhook tools need to know where to go');
    return webhookTool(name, kind, door);
  });
  const own = described.map(tool => describedTool(tool, kind === 'bridge' ? door : undefined));
  return [...codes, ...more.map(name => clientTool(name, bridgeTools[name])), ...own];
}

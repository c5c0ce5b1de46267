import { expect } from 'vitest';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import type { SimAnswer } from '../../src/sim/twilio/errors.ts';
import type { SimRequest, SimTwilio, SimTwilioOptions } from '../../src/sim/twilio/server.ts';
import { type Bridge, type BridgeOptions, withBridge } from './flow.ts';
import { TwilioDocuments, twilioDocumentsPresent } from './twilio-documents.ts';

/** The trusted caller of every call here, and somebody else, who has written on WhatsApp lately. */
export const caller = '+14155550123';
export const other = '+14155550188';

/** What a tool answered: its fields, and whether it was an error. */
export interface ToolAnswerSeen {
  readonly isError: boolean;
  readonly status: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

export interface StageOptions {
  readonly yaml?: string;
  /** Whether an operator has let agents send on their own. */
  readonly sends?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly twilio?: SimTwilioOptions;
  /** Twilio reaches the daemon under `publicUrl`, and its signatures can be checked. */
  readonly reachable?: true;
}

/** What Twilio is told where it can reach the daemon; a proxy with TLS would stand there. */
export const publicUrl = 'https://bridge.example';

/** Ids of what the account has at the start. */
export interface Seeds {
  readonly received: string;
  readonly withMedia: string;
  readonly template: string;
  readonly call: string;
}

/** What a tool is asked about. */
export interface Account {
  readonly twilio: SimTwilio;
  readonly seeds: Seeds;
}

/** A live call whose agent asks for tools as the test says, beside an account with something in it. */
export interface TwilioStage extends Account {
  readonly bridge: Bridge;
  readonly conversation: SimConversation;
  /** Asks for a tool over the conversation and settles with what came back. */
  readonly ask: (tool: string, parameters: Readonly<Record<string, unknown>>) => Promise<ToolAnswerSeen>;
  /** Requests that reached the stand-in since the call was up. */
  readonly requests: () => readonly SimRequest[];
}

/** Requests of daemons to the stand-in, and its answers, in all stages so far. */
const exchanges: (readonly [SimRequest, SimAnswer])[] = [];

/** What Twilio's documents have against any request or answer of a stage so far. */
export async function objections(): Promise<readonly string[]> {
  if (!twilioDocumentsPresent) throw new Error("Twilio's documents are not here");
  const documents = await TwilioDocuments.open();
  expect(exchanges.length).toBeGreaterThan(0);
  return exchanges.flatMap(([request, answer]) => {
    const name = documents.operation(request) ?? `${request.method} ${request.path} is not described`;
    const problems = [...documents.ofRequest(request), ...documents.ofAnswer(request, answer)];
    return problems.map(problem => `${name}: ${problem}`);
  });
}

/** Runs `body` with a daemon that has senders, and whose requests are remembered for `objections`. */
export function withTwilioBridge(
  { twilio, env, yaml, reachable, sends = false }: StageOptions,
  body: (bridge: Bridge) => Promise<void>,
): Promise<void> {
  const options: BridgeOptions = {
    script: { mode: 'quiet' },
    twilio: {
      phoneNumber: sender,
      ...twilio,
      onAnswer: (request, answer) => exchanges.push([request, answer]),
    },
    env: {
      TWILIO_PHONE_NUMBER: sender,
      TWILIO_WHATSAPP_NUMBER: sender,
      ...(reachable === true ? { PUBLIC_HTTP_LISTEN: '127.0.0.1:0', PUBLIC_URL: publicUrl } : {}),
      ...env,
    },
    sends,
    ...(yaml === undefined ? {} : { yaml }),
    ...(reachable === true ? { twilioToken: true } : {}),
  };
  return withBridge(options, async bridge => {
    const { address, port } = bridge.app.publicHttp ?? {};
    if (reachable === true) bridge.world.twilio.callbacks.reach(publicUrl, `http://${address}:${port}`);
    await body(bridge);
  });
}

/** Runs `body` with a call that is up. */
export async function withTwilioStage(
  options: StageOptions,
  body: (stage: TwilioStage) => Promise<void>,
): Promise<void> {
  await withTwilioBridge(options, async bridge => {
    const seeds = await seed(bridge.world.twilio);
    const call = await bridge.answered({ from: caller, headers: [['X-CALLER-ID', caller]] });
    const conversation = await bridge.world.agent.conversation(0);
    const before = bridge.world.twilio.requests.length;
    await body({
      bridge,
      conversation,
      twilio: bridge.world.twilio,
      seeds,
      ask: (tool, parameters) => askTool(conversation, tool, parameters),
      requests: () => bridge.world.twilio.requests.slice(before),
    });
    await call.hangup();
  });
}

/** The account's own number. */
export const sender = '+14155550100';

/** Puts something into an account, so that there is something to find. */
export async function seed({ messages, calls, content, numbers }: SimTwilio): Promise<Seeds> {
  await messages.receive({ from: caller, to: sender, body: 'Where is my parcel?' });
  await messages.receive({
    from: caller,
    to: sender,
    body: 'Like this',
    mediaUrls: ['https://files.example/a.png'],
  });
  await messages.receive({ from: `whatsapp:${other}`, to: `whatsapp:${sender}`, body: 'Hello' });
  const call = calls.add({ from: caller, to: sender, status: 'completed' });
  calls.recordings.add(call.sid, { seconds: 12 });
  numbers.verifyCallerId(other, 'Desk');
  return {
    received: messages.all[0]?.sid ?? '',
    withMedia: messages.all[1]?.sid ?? '',
    template: content.add('reminder', 'See you at {{1}}.').sid,
    call: call.sid,
  };
}

/** Asks for a tool over a conversation. */
export async function askTool(
  conversation: SimConversation,
  tool: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<ToolAnswerSeen> {
  const { result, is_error: isError } = await conversation.callTool(tool, parameters);
  const fields = JSON.parse(result) as { status: string; message: string };
  // A result says what happened in words, and never what is inside of the bridge.
  expect(result).not.toMatch(/zod|undefined|\bstack\b|\bnull\b/);
  if (fields.status !== 'approved') expect(result).not.toContain('approved');
  return { isError, text: result, ...fields };
}

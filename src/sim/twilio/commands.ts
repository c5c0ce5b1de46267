import { z } from 'zod';
import {
  type SimAnswer,
  type SimDeliveryError,
  type SimErrorCode,
  simDeliveryErrors,
  simErrors,
} from './errors.ts';
import type { SimTwilio } from './server.ts';

const code = z.number().refine(value => value in simErrors, 'is no code that the stand-in knows');
const delivery = z.number().refine(value => value in simDeliveryErrors, 'is no code of a delivery');
const number = z.string().regex(/^\+[1-9]\d{6,14}$/, 'must be E.164');
const fields = z.record(z.string(), z.unknown());

/** One thing that the stand-in can be told over HTTP: what it takes, and what it does. */
interface Command {
  readonly name: string;
  readonly says: string;
  readonly takes: z.ZodType;
  readonly run: (sim: SimTwilio, body: never) => unknown;
}

/** Ties what a command does to the shape of what it takes. */
function command<T extends z.ZodType>(
  name: string,
  says: string,
  takes: T,
  run: (sim: SimTwilio, body: z.infer<T>) => unknown,
): Command {
  return { name, says, takes, run };
}

const fault = z.strictObject({
  code: code.optional(),
  status: z.int().min(100).max(599).optional(),
  value: z.string().optional(),
  retryAfter: z.string().optional(),
  delayMs: z.number().min(0).optional(),
  drop: z.enum(['request', 'answer', 'silence']).optional(),
  lost: z.literal(true).optional(),
  raw: z.string().optional(),
  body: z.unknown().optional(),
  lie: fields.optional(),
  times: z.int().min(1).max(1_000_000).default(1),
  method: z.enum(['GET', 'POST']).optional(),
  path: z.string().optional(),
});

const messageStatus = z.enum(['queued', 'sent', 'delivered', 'undelivered', 'failed', 'read', 'canceled']);
const callStatus = z.enum(['ringing', 'in-progress', 'completed', 'busy', 'failed', 'no-answer', 'canceled']);

/** Everything that can be told to a stand-in that runs by itself. */
export const simCommands: readonly Command[] = [
  command('fail', 'the next requests fail, stall, break off or are lied to', fault, (sim, body) => {
    const { times, method, path, ...what } = body;
    const filter = { ...(method === undefined ? {} : { method }), ...(path === undefined ? {} : { path }) };
    sim.failNext(what as object, times, filter);
    return {};
  }),
  command('recover', 'nothing fails any more', z.strictObject({}), sim => {
    sim.recover();
    return {};
  }),
  command(
    'text',
    'a message comes in, and the webhook of its number is told',
    z.strictObject({
      from: z.string(),
      to: z.string(),
      body: z.string(),
      mediaUrls: z.array(z.string()).optional(),
      url: z.string().optional(),
    }),
    (sim, body) => sim.messages.receive(body as Parameters<typeof sim.messages.receive>[0]),
  ),
  command(
    'message',
    'a message that was sent moves on, and its status callback is told',
    z.strictObject({ sid: z.string(), status: messageStatus, error: delivery.optional() }),
    (sim, { sid, status, error }) => sim.messages.move(sid, status, error as SimDeliveryError | undefined),
  ),
  command(
    'recipient',
    'messages, codes, calls or lookups of a number are refused, or messages to it do not arrive; null takes it back',
    z.strictObject({
      number,
      refuse: code.nullable().optional(),
      undelivered: delivery.nullable().optional(),
      for: z.enum(['messages', 'codes', 'calls', 'lookups']).default('messages'),
    }),
    (sim, body) => {
      const refused = (body.refuse ?? undefined) as SimErrorCode | undefined;
      const part = { messages: sim.messages, codes: sim.verify, calls: sim.calls, lookups: sim.lookup }[
        body.for
      ];
      if (body.refuse !== undefined) part.refuse(body.number, refused);
      const error = (body.undelivered ?? undefined) as SimDeliveryError | undefined;
      if (body.undelivered !== undefined) sim.messages.doom(body.number, error);
      return {};
    },
  ),
  command(
    'call',
    'a call is there that nobody made over REST, or one moves on and its status callback is told',
    z.union([
      z.strictObject({ from: z.string(), to: z.string() }),
      z.strictObject({ sid: z.string(), status: callStatus }),
    ]),
    (sim, body) => ('sid' in body ? sim.calls.move(body.sid, body.status) : { sid: sim.calls.add(body).sid }),
  ),
  command(
    'recording',
    'a call was recorded',
    z.strictObject({ call: z.string(), seconds: z.number().min(0).default(4) }),
    (sim, { call, seconds }) => ({ sid: sim.calls.recordings.add(call, { seconds }).sid }),
  ),
  command(
    'lookup',
    'what Lookup says of a number, package by package; a number in place of a package is an error inside of a 200',
    z.strictObject({ number, says: z.record(z.string(), z.union([z.number(), fields])) }),
    (sim, body) => {
      sim.lookup.say(body.number, body.says);
      return {};
    },
  ),
  command(
    'number',
    'the account gets a number, or a verified caller id',
    z.strictObject({ number, sms: z.boolean().default(true), callerId: z.boolean().default(false) }),
    (sim, body) => {
      const { numbers } = sim;
      const made = body.callerId
        ? numbers.verifyCallerId(body.number)
        : numbers.buy(body.number, { sms: body.sms });
      return { sid: made.sid };
    },
  ),
  command(
    'template',
    'a content template is there; {{1}} in its text is a variable',
    z.strictObject({ name: z.string(), text: z.string() }),
    (sim, { name, text }) => ({ sid: sim.content.add(name, text).sid }),
  ),
  command(
    'key',
    'an API key is made or taken away',
    z.union([z.strictObject({ kind: z.enum(['main', 'standard']) }), z.strictObject({ revoke: z.string() })]),
    (sim, body) => {
      if ('kind' in body) return sim.credentials.issue(body.kind);
      sim.credentials.revoke(body.revoke);
      return {};
    },
  ),
  command(
    'reach',
    'webhooks for a public URL go to a port on loopback, signed for the public one',
    z.strictObject({ url: z.url(), at: z.string().regex(/^http:\/\/127\.0\.0\.1:\d+$/) }),
    (sim, { url, at }) => {
      sim.callbacks.reach(url, at);
      return {};
    },
  ),
];

/** What the stand-in tells of itself. */
const views: Readonly<Record<string, (sim: SimTwilio) => unknown>> = {
  requests: ({ requests }) => requests,
  texts: ({ texts }) => texts,
  callbacks: ({ callbacks }) => callbacks.sent,
};

/** Does what the stand-in is told over HTTP: `POST /sim/{command}` with JSON, `GET /sim/{view}`. */
export async function runSimCommand(
  sim: SimTwilio,
  method: string,
  name: string,
  json: string,
): Promise<SimAnswer> {
  const view = method === 'GET' ? views[name] : undefined;
  if (view !== undefined) return { status: 200, body: view(sim) };
  const found = method === 'POST' ? simCommands.find(each => each.name === name) : undefined;
  if (found === undefined) return problem(404, `There is no ${method} /sim/${name}.`);
  const taken = found.takes.safeParse(parsed(json));
  if (!taken.success) return problem(400, z.prettifyError(taken.error));
  try {
    return { status: 200, body: (await found.run(sim, taken.data as never)) ?? {} };
  } catch (error) {
    return problem(409, error instanceof Error ? error.message : 'It could not be done.');
  }
}

const problem = (status: number, message: string): SimAnswer => ({ status, body: { message } });

function parsed(json: string): unknown {
  try {
    return json === '' ? {} : JSON.parse(json);
  } catch {
    return undefined;
  }
}

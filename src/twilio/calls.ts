import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import type { TwilioCaller } from './client.ts';
import type { TwilioFailure } from './failure.ts';
import { count, moment, shaped, text } from './shape.ts';

/** Twilio's words for the state of a call. */
export const callStatuses = [
  'queued',
  'ringing',
  'in-progress',
  'completed',
  'busy',
  'failed',
  'no-answer',
  'canceled',
] as const;
export type CallStatus = (typeof callStatuses)[number];

/** A call of the account as Twilio keeps it. */
export interface TwilioCall {
  /** CA…. */
  readonly sid: string;
  readonly status: string;
  /** inbound, outbound-api, outbound-dial … */
  readonly direction: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly seconds: number | undefined;
  readonly answeredBy: string | undefined;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
  readonly price: number | undefined;
  readonly priceUnit: string | undefined;
}

export interface CallFilter {
  readonly to?: string | undefined;
  readonly from?: string | undefined;
  readonly status?: CallStatus | undefined;
  readonly startedAfter?: Date | undefined;
  readonly startedBefore?: Date | undefined;
}

export interface CallRecording {
  /** RE…. */
  readonly sid: string;
  readonly status: string;
  readonly seconds: number | undefined;
  readonly channels: number | undefined;
  readonly createdAt: string | undefined;
}

/** A call to be made: what it does once it is answered is told by a URL that Twilio asks, or by TwiML as it is. */
export interface CallOrder {
  /** E.164. */
  readonly to: string;
  readonly from: string;
  readonly instructions: { readonly url: string } | { readonly twiml: string };
  readonly statusCallback?: string;
  /** How long it may ring; Twilio's minute unless given. */
  readonly ringSeconds?: number | undefined;
  /** Twilio records the call. */
  readonly record?: boolean | undefined;
}

type Answer<T> = Promise<Result<T, TwilioFailure>>;

const callShape = z
  .object({
    sid: z.string().min(1),
    status: z.string(),
    direction: text,
    from: text,
    to: text,
    duration: count,
    answeredBy: text,
    startTime: moment,
    endTime: moment,
    price: count,
    priceUnit: text,
  })
  .transform(
    ({ duration, startTime, endTime, ...rest }): TwilioCall => ({
      ...rest,
      seconds: duration,
      startedAt: startTime,
      endedAt: endTime,
    }),
  );

const recordingShape = z
  .object({
    sid: z.string().min(1),
    status: z.string(),
    duration: count,
    channels: count,
    dateCreated: moment,
  })
  .transform(
    ({ duration, dateCreated, ...rest }): CallRecording => ({
      ...rest,
      seconds: duration,
      createdAt: dateCreated,
    }),
  );

/** The newest calls that fit, at most `limit` of them. */
export function listCalls(
  client: TwilioCaller,
  { to, from, status, startedAfter, startedBefore }: CallFilter,
  limit: number,
  signal?: AbortSignal,
): Answer<TwilioCall[]> {
  return client.call(async sdk => {
    const listed = await sdk.calls.list({
      ...(to === undefined ? {} : { to }),
      ...(from === undefined ? {} : { from }),
      ...(status === undefined ? {} : { status }),
      ...(startedAfter === undefined ? {} : { startTimeAfter: startedAfter }),
      ...(startedBefore === undefined ? {} : { startTimeBefore: startedBefore }),
      limit,
      pageSize: limit,
    });
    return listed.map(each => shaped(callShape, each));
  }, signal);
}

export function fetchCall(client: TwilioCaller, sid: string, signal?: AbortSignal): Answer<TwilioCall> {
  return client.call(async sdk => shaped(callShape, await sdk.calls(sid).fetch()), signal);
}

/** The recordings of a call, at most `limit` of them. */
export function listRecordings(
  client: TwilioCaller,
  callSid: string,
  limit: number,
  signal?: AbortSignal,
): Answer<CallRecording[]> {
  return client.call(async sdk => {
    const listed = await sdk.calls(callSid).recordings.list({ limit, pageSize: limit });
    return listed.map(each => shaped(recordingShape, each));
  }, signal);
}

/** Starts a call. For the operator's own programs: no tool of an agent leads here. */
export function makeCall(
  client: TwilioCaller,
  { to, from, instructions, statusCallback, ringSeconds, record }: CallOrder,
  signal?: AbortSignal,
): Answer<TwilioCall> {
  return client.call(async sdk => {
    const created = await sdk.calls.create({
      to,
      from,
      ...instructions,
      ...(ringSeconds === undefined ? {} : { timeout: ringSeconds }),
      ...(record === true ? { record } : {}),
      ...(statusCallback === undefined
        ? {}
        : { statusCallback, statusCallbackEvent: ['initiated', 'ringing', 'answered', 'completed'] }),
    });
    return shaped(callShape, created);
  }, signal);
}

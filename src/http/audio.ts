import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Failure, Result } from '../core/errors.ts';

/** The recording of a call, as a WAV file. */
export interface CallAudio {
  /** Length of the file. */
  readonly bytes: number;
  /** Its bytes from `first` to `last`, both included. */
  read(first: number, last: number): Readable;
  close(): Promise<void>;
}

/** Finds the recording of a call by its conversation or by one of our names of it. */
export type FindAudio = (id: string) => Promise<Result<CallAudio>>;

/** What a recording that cannot be given is answered with. */
const refusals: Readonly<Record<string, { readonly status: number; readonly message: string }>> = {
  'not-found': { status: 404, message: 'There is no recording of such a call.' },
  'not-over': { status: 425, message: 'The call is still up: its recording is there once it is over.' },
  'recording-key-missing': {
    status: 409,
    message: 'The recording is encrypted with a key that is not in DATA_KEY any more: put it back, last.',
  },
  'recording-damaged': {
    status: 500,
    message: 'The file of the recording was changed or cut off since it was written.',
  },
};

/**
 * `GET /v1/convai/conversations/{id}/audio`: the sound of a call as the bytes of a WAV file, caller left, agent right. One
 * range may be asked for (RFC 9110 section 14).
 */
export function audioRoute(app: FastifyInstance, find: FindAudio): void {
  app.get<{ Params: { id: string } }>(
    '/v1/convai/conversations/:id/audio',
    { config: { role: 'pii' } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const found = await find(request.params.id);
      if (!found.ok) return refuse(reply, found.failure);
      const audio = found.value;
      const range = rangeOf(request.headers.range, audio.bytes);
      reply.header('accept-ranges', 'bytes');
      if (range === 'unsatisfiable' || request.method === 'HEAD') {
        await audio.close();
        if (request.method === 'HEAD') return headOnly(reply, audio.bytes);
        reply.header('content-range', `bytes */${audio.bytes}`);
        return reply.code(416).send({ detail: { status: 'range', message: 'The file is not that long.' } });
      }
      return sendPart(reply, audio, range);
    },
  );
}

/** First and last byte, both included. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** RFC 9110 section 14.2: what cannot be understood, or asks for several, is ignored. Undefined: all of it. */
function rangeOf(header: string | undefined, bytes: number): Range | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (match === null || (from === '' && to === '')) return undefined;
  const first = from === '' ? Math.max(0, bytes - Number(to)) : Number(from);
  const last = from === '' || to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (from !== '' && to !== '' && Number(to) < first) return undefined;
  return first < bytes && last >= first ? { first, last } : 'unsatisfiable';
}

function headOnly(reply: FastifyReply, bytes: number) {
  // A stream keeps the length that it is sent with.
  return reply.type('audio/wav').header('content-length', bytes).send(Readable.from([]));
}

function sendPart(reply: FastifyReply, audio: CallAudio, range: Range | undefined) {
  const { first, last } = range ?? { first: 0, last: audio.bytes - 1 };
  const stream = audio.read(first, last);
  // Also when whoever asked has gone, or the file turns out to be damaged.
  stream.once('close', () => void audio.close());
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${first}-${last}/${audio.bytes}`);
  return reply
    .type('audio/wav')
    .header('content-length', last - first + 1)
    .send(stream);
}

function refuse(reply: FastifyReply, { code }: Failure) {
  const { status, message } = refusals[code] ?? { status: 503, message: 'The store does not answer.' };
  return reply.code(status).send({ detail: { status: code.replaceAll('-', '_'), message } });
}

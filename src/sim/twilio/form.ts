import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimAnswer } from './errors.ts';
import { newSid } from './resource.ts';

/** Forms above this are refused, bytes. */
const maxBody = 64 * 1024;

/** The body as text; undefined when it is larger than a form may be. */
export async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBody) chunks.push(chunk);
  }
  return size <= maxBody ? Buffer.concat(chunks).toString('utf8') : undefined;
}

/** A form by its names; what came twice is an array. */
export function fields(form: URLSearchParams): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    [...new Set(form.keys())].map(key => {
      const values = form.getAll(key);
      return [key, values.length === 1 ? (values[0] as string) : values];
    }),
  );
}

/** Writes an answer with an id of its own, as Twilio does. */
export function write(response: ServerResponse, answer: SimAnswer): void {
  const id = newSid('RQ');
  response.writeHead(answer.status, {
    'Content-Type': answer.file?.type ?? 'application/json',
    'Twilio-Request-Id': id,
    ...answer.headers,
  });
  response.end(answer.file?.bytes ?? JSON.stringify(answer.body));
}

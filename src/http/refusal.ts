import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { DocumentAuthor } from '../store/document.ts';

/** Answers that something is not done, in the shape that every refusal has. */
export function refuse(reply: FastifyReply, code: number, status: string, message: string) {
  return reply.code(code).send({ detail: { status, message } });
}

/** Refuses what was sent. Names the field, and never what was in it; `shape` says what may be sent. */
export function refuseInvalid(
  reply: FastifyReply,
  status: 'invalid_body' | 'invalid_query',
  shape: string,
  { issues: [issue] }: z.ZodError,
) {
  const field = issue?.path.join('.') ?? '';
  return refuse(reply, 422, status, field === '' ? shape : `${field} is not right. ${shape}`);
}

/** What is answered is kept by nobody on the way. */
export function uncached(reply: FastifyReply): void {
  reply.header('cache-control', 'no-store');
}

/** Who changes something, and why as far as it was said. */
export function authorOf(request: FastifyRequest, why = ''): DocumentAuthor {
  return { who: request.keyHolder?.name ?? '', why };
}

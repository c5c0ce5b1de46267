import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { httpLimits } from './limits.ts';

interface Refusal {
  readonly code: 400 | 408 | 431;
  readonly status: string;
  readonly message: string;
}

const unreadable: Refusal = {
  code: 400,
  status: 'bad_request',
  message: 'This cannot be read as a request of HTTP/1.1.',
};

/** By Node's code of the error (its documentation of `clientError`). */
const refusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 408,
    status: 'request_timeout',
    message: `A request has to be here within ${httpLimits.requestMs / 1_000} s, its headers within ${httpLimits.headersMs / 1_000} s.`,
  },
  HPE_HEADER_OVERFLOW: { code: 431, status: 'headers_too_large', message: 'The headers are too long.' },
};

/** Answers what never became a request, in the shape that every refusal has, and closes. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const { code, status, message } = refusals[error.code ?? ''] ?? unreadable;
  const body = JSON.stringify({ detail: { status, message } });
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

/** A SIP message as the stand-in caller sees it: start line, header fields in order, body. */
export interface Message {
  readonly start: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Value of the first header of that name, or an empty text. */
export function header(message: Message, name: string): string {
  const wanted = name.toLowerCase();
  return message.headers.find(([each]) => each.toLowerCase() === wanted)?.[1] ?? '';
}

/** Values of all headers of that name. */
export function headersOf(message: Message, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value);
}

/** Status of a response; 0 for a request. */
export function statusOf(message: Message): number {
  return message.start.startsWith('SIP/2.0 ') ? Number(message.start.slice(8, 11)) : 0;
}

/** Method of a request, or of the request that a response answers. */
export function methodOf(message: Message): string {
  if (statusOf(message) === 0) return message.start.split(' ', 1)[0] ?? '';
  return header(message, 'CSeq').split(' ')[1] ?? '';
}

/** A parameter of a header value, as in `;tag=x`. */
export function parameter(value: string, name: string): string {
  for (const part of value.slice(value.lastIndexOf('>') + 1).split(';')) {
    const [key = '', text = ''] = part.split('=');
    if (key.trim().toLowerCase() === name) return text.trim();
  }
  return '';
}

export function format(start: string, headers: readonly (readonly [string, string])[], body = ''): string {
  const lines = [start, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return `${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Cuts a TCP stream into messages by Content-Length. */
export class MessageStream {
  #held = Buffer.alloc(0);

  /** Takes what arrived, gives every message that is now complete. */
  push(chunk: Buffer): Message[] {
    this.#held = Buffer.concat([this.#held, chunk]);
    const messages: Message[] = [];
    for (let message = this.#next(); message !== undefined; message = this.#next()) messages.push(message);
    return messages;
  }

  #next(): Message | undefined {
    while (this.#held[0] === 0x0d || this.#held[0] === 0x0a) this.#held = this.#held.subarray(1);
    const end = this.#held.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [start = '', ...lines] = this.#held.toString('utf8', 0, end).split('\r\n');
    const headers = lines.map(line => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
    });
    const length = Number(headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? 0);
    if (this.#held.length < end + 4 + length) return undefined;
    const body = this.#held.toString('utf8', end + 4, end + 4 + length);
    this.#held = this.#held.subarray(end + 4 + length);
    return { start, headers, body };
  }
}

/** A response to a request, with what must be copied. */
export function reply(request: Message, status: number, reason: string, body = ''): string {
  const copied = request.headers.filter(([name]) =>
    ['via', 'from', 'to', 'call-id', 'cseq'].includes(name.toLowerCase()),
  );
  const type: (readonly [string, string])[] = body === '' ? [] : [['Content-Type', 'application/sdp']];
  return format(`SIP/2.0 ${status} ${reason}`, [...copied, ...type], body);
}

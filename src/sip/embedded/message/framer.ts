import { isDigits, isTokenCode, trimBlanks } from './characters.ts';
import { type MessageLimits, messageLimits } from './limits.ts';
import type { ParseFault } from './message.ts';
import { echoRequest } from './parser.ts';

/** What a stream holds. `head` ends with the empty line; both buffers are the receiver's to keep. */
export type Frame =
  | { readonly type: 'message'; readonly head: Buffer; readonly body: Buffer }
  /** CRLF CRLF between messages: a ping that wants one CRLF back (RFC 5626 section 4.4.1). */
  | { readonly type: 'keep-alive' }
  /** The stream cannot be read any further. `head` is there when a whole header section was. */
  | { readonly type: 'fault'; readonly fault: ParseFault; readonly head?: Buffer };

const nothing = Buffer.alloc(0);
const headEnd = Buffer.from('\r\n\r\n');
const cr = 13;
const lf = 10;

/**
 * Cuts a byte stream into SIP messages by Content-Length (RFC 3261 section 18.3), counting octets. Call `next` until
 * it returns nothing after each `push`: then no more than one unfinished message is held. After a fault nothing comes
 * any more.
 */
export class StreamFramer {
  readonly #limits: MessageLimits;
  /** Octets from `#start` to `#end` are unread; those before `#start` are in frames given out, and never written again. */
  #held: Buffer = nothing;
  #start = 0;
  #end = 0;
  /** Up to here the search for the end of the header section has looked. */
  #searched = 0;
  /** Octets of the header section of the message that begins at `#start`, 0 until its end was found. */
  #headLength = 0;
  #bodyLength = 0;
  /** CRLFs seen since the last message, 0 or 1. */
  #blankLines = 0;
  #failed = false;

  constructor(limits: MessageLimits = messageLimits) {
    this.#limits = limits;
  }

  /** True while bytes of an unfinished message are held: the time for its deadline to run. */
  get partial(): boolean {
    if (this.#failed || this.#start === this.#end) return false;
    return this.#held[this.#start] !== cr;
  }

  /** Takes bytes in. The framer keeps `chunk`: it must not be written to afterwards. */
  push(chunk: Buffer): void {
    if (this.#failed || chunk.length === 0) return;
    if (this.#start === this.#end) {
      this.#held = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#searched = 0;
      return;
    }
    // A chunk that was taken over is full: there is room behind `#end` only in a buffer of our own.
    if (this.#held.length - this.#end < chunk.length) this.#grow(chunk.length);
    chunk.copy(this.#held, this.#end);
    this.#end += chunk.length;
  }

  /** Moves what is unread into a buffer of our own with room for `more` octets, at least doubling. */
  #grow(more: number): void {
    const unread = this.#end - this.#start;
    const wanted = Math.max(unread + more, 2 * unread);
    const larger = Buffer.allocUnsafeSlow(wanted);
    this.#held.copy(larger, 0, this.#start, this.#end);
    this.#searched = Math.max(0, this.#searched - this.#start);
    this.#held = larger;
    this.#start = 0;
    this.#end = unread;
  }

  /** The next whole frame, or nothing until more bytes have come. */
  next(): Frame | undefined {
    if (this.#failed) return undefined;
    if (this.#headLength === 0) {
      const early = this.#findHead();
      if (early !== undefined || this.#headLength === 0) return early;
    }
    const length = this.#headLength + this.#bodyLength;
    if (this.#end - this.#start < length) return undefined;
    const bodyStart = this.#start + this.#headLength;
    const head = this.#held.subarray(this.#start, bodyStart);
    const body = this.#held.subarray(bodyStart, this.#start + length);
    this.#consume(length);
    this.#headLength = 0;
    return { type: 'message', head, body };
  }

  #consume(octets: number): void {
    this.#start += octets;
    this.#searched = this.#start;
    if (this.#start === this.#end) {
      this.#held = nothing;
      this.#start = 0;
      this.#end = 0;
      this.#searched = 0;
    }
  }

  /** Looks for a whole header section. Returns a frame when what is there is no message. */
  #findHead(): Frame | undefined {
    if (this.#skipBlankLines()) return { type: 'keep-alive' };
    if (this.#start === this.#end || this.#held[this.#start] === cr) return this.#loneReturn();
    this.#blankLines = 0;
    if (!isTokenCode(this.#held[this.#start]!)) return this.#fail(0, 'Not SIP');
    // The section's end may have been cut in two by the last read.
    const from = Math.max(this.#start, this.#searched - headEnd.length + 1);
    const at = this.#held.subarray(0, this.#end).indexOf(headEnd, from);
    this.#searched = this.#end;
    const length = (at < 0 ? this.#end : at + headEnd.length) - this.#start;
    if (length > this.#limits.headBytes) return this.#fail(0, 'Header Section Too Large');
    if (at < 0) return undefined;
    return this.#measure(this.#held.subarray(this.#start, this.#start + length));
  }

  /** A CR at the end may become a CRLF; a CR before anything else begins no message. */
  #loneReturn(): Frame | undefined {
    return this.#end - this.#start < 2 ? undefined : this.#fail(0, 'Not SIP');
  }

  /** RFC 3261 section 7.5: CRLFs before a start line mean nothing, but two of them are a ping. */
  #skipBlankLines(): boolean {
    while (
      this.#end - this.#start >= 2 &&
      this.#held[this.#start] === cr &&
      this.#held[this.#start + 1] === lf
    ) {
      this.#consume(2);
      this.#blankLines++;
      if (this.#blankLines === 2) {
        this.#blankLines = 0;
        return true;
      }
    }
    return false;
  }

  #measure(head: Buffer): Frame | undefined {
    const bodyLength = readContentLength(head);
    if (bodyLength === undefined) return this.#fail(400, 'Bad Content-Length', head);
    if (bodyLength > this.#limits.bodyBytes || head.length + bodyLength > this.#limits.messageBytes) {
      return this.#fail(413, 'Request Entity Too Large', head);
    }
    this.#headLength = head.length;
    this.#bodyLength = bodyLength;
    return undefined;
  }

  #fail(status: number, reason: string, head?: Buffer): Frame {
    this.#failed = true;
    this.#held = nothing;
    this.#start = 0;
    this.#end = 0;
    const request = head === undefined ? undefined : echoRequest(head, this.#limits);
    const answerable = request === undefined ? 0 : status;
    const fault = { status: answerable, reason, fatal: true, ...(request === undefined ? {} : { request }) };
    return { type: 'fault', fault, ...(head === undefined ? {} : { head }) };
  }
}

/**
 * Content-Length of a header section. `undefined` when it is missing, is not plain digits below 2^31, or is given
 * twice with different values: then nobody can say where the message ends.
 */
export function readContentLength(head: Buffer): number | undefined {
  let found: string | undefined;
  let at = head.indexOf('\r\n') + 2;
  while (at >= 2 && at < head.length) {
    const end = head.indexOf('\r\n', at);
    if (end <= at) break;
    if (isContentLengthName(head, at, end)) {
      const value = fieldValue(head, at, end);
      if (found !== undefined && Number(found) !== Number(value)) return undefined;
      if (!isDigits(value) || value.length > 10) return undefined;
      found = value;
    }
    at = end + 2;
  }
  return found === undefined || Number(found) > 0x7fff_ffff ? undefined : Number(found);
}

const longForm = 'content-length';

/** Compares the name of the field at `at` octet by octet: header sections are not decoded before they are framed. */
function isContentLengthName(head: Buffer, at: number, end: number): boolean {
  const first = head[at]! | 32;
  if (first !== 99 && first !== 108) return false;
  let length = 1;
  if (first === 99) {
    while (length < longForm.length && (head[at + length]! | 32) === longForm.charCodeAt(length)) length++;
    if (length < longForm.length) return false;
  }
  let colon = at + length;
  while (colon < end && (head[colon] === 32 || head[colon] === 9)) colon++;
  return head[colon] === 58;
}

/** Value of the field at `at`, its continuation lines joined by a space (RFC 3261 section 7.3.1). */
function fieldValue(head: Buffer, at: number, end: number): string {
  let value = head.toString('latin1', head.indexOf(58, at) + 1, end);
  let lineEnd = end;
  while (head[lineEnd + 2] === 32 || head[lineEnd + 2] === 9) {
    const next = head.indexOf('\r\n', lineEnd + 2);
    if (next < 0) break;
    value += ` ${trimBlanks(head.toString('latin1', lineEnd + 2, next))}`;
    lineEnd = next;
  }
  return trimBlanks(value);
}

import type { CallPicture, LadderMessage, LadderStore } from './ladder.ts';

/** Columns between the two lines of the ladder. */
const width = 64;

/** What the HTTP side asks for: a call by any of its names, each message with its error, all of it as text. */
export function sipMessagesOf(ladders: Pick<LadderStore, 'find'>) {
  return (name: string) => {
    const picture = ladders.find(name);
    if (picture === undefined) return undefined;
    return {
      ...picture,
      messages: picture.messages.map(message => ({ ...message, error: errorOf(message.text) })),
      text: () => ladderText(picture),
    };
  };
}

/** The picture as text: who sent what when on two lines, then every message in full. */
export function ladderText(picture: CallPicture): string {
  const first = picture.messages[0];
  const names = [picture.call, picture.conversationId, picture.sipCallId].filter(name => name !== undefined);
  const steps = picture.messages.map(message => step(message, first?.at ?? 0));
  if (picture.lost > 0) steps.push(`(${picture.lost} messages in the middle were not kept)`);
  const sides = first === undefined ? '' : `${first.remoteAddress} (${first.transport})`;
  const full = picture.messages.map(message => {
    const arrow = message.direction === 'in' ? '<-' : '->';
    const head = `--- ${new Date(message.at).toISOString()} ${arrow} ${message.remoteAddress}`;
    return `${head}\n${message.text.replaceAll('\r\n', '\n')}`;
  });
  return [
    `call ${names.join('  ')}`,
    `      seconds  ${sides.padEnd(width - (first?.localAddress.length ?? 0))}${first?.localAddress ?? ''}`,
    ...steps,
    '',
    ...full,
    '',
  ].join('\n');
}

function step({ at, direction, text }: LadderMessage, begin: number): string {
  const seconds = ((at - begin) / 1000).toFixed(3).padStart(13);
  const what = summary(text).slice(0, width - 8);
  const line = '-'.repeat(Math.max(2, width - what.length - 4));
  return direction === 'in' ? `${seconds}  |${line} ${what} >|` : `${seconds}  |< ${what} ${line}|`;
}

/** `INVITE`, `180 Ringing`, with the CSeq that tells which belongs to which. */
function summary(text: string): string {
  const start = text.slice(0, Math.max(0, text.indexOf('\r\n')));
  const cseq = /^cseq[ \t]*:[ \t]*(\d{1,10})[ \t]+(\S{1,20})/im.exec(text);
  const shown = start.startsWith('SIP/2.0 ') ? start.slice(8) : (start.split(' ', 1)[0] ?? '');
  const body = /\r\n\r\nv=0/.test(text) ? ' (SDP)' : '';
  return `${shown}${body}${cseq === null ? '' : ` [${cseq[1]} ${cseq[2]}]`}`;
}

/**
 * Why a message is no success, in a sentence where its sender gave one: the text of its Warning or Reason, else its reason
 * phrase. Empty for all others.
 */
export function errorOf(text: string): string {
  const status = /^SIP\/2\.0 ([4-6]\d\d) ?([^\r\n]*)/.exec(text);
  if (status === null && !/^(BYE|CANCEL) /.test(text)) return '';
  const head = text.slice(0, Math.max(0, text.indexOf('\r\n\r\n')));
  const warning = /^warning[ \t]*:[^"\r\n]*"([^"\r\n]*)"/im.exec(head)?.[1];
  const reason = /^reason[ \t]*:[^"\r\n]*"([^"\r\n]*)"/im.exec(head)?.[1];
  return warning ?? reason ?? status?.[2] ?? '';
}

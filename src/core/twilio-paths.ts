/** Paths of ours that Twilio asks, behind PUBLIC_URL. */
export const twilioPaths = {
  /** A call comes in. */
  voice: '/twilio/voice',
  /** What is asked where that fails. */
  voiceFallback: '/twilio/fallback',
  /** The stream of a call is over; whoever the caller was put through to is. */
  next: '/twilio/next',
  dialled: '/twilio/dialled',
  /** A message comes in. */
  message: '/twilio/sms',
  /** What became of a call. */
  callStatus: '/twilio/status',
  /** What became of a message that was sent with it as its status callback. */
  messageStatus: '/twilio/message-status',
  /** Menus of the configuration, by their names. */
  menu: '/twilio/menu',
  /** WebSockets of media streams, by the name of their call. */
  media: '/twilio/media',
} as const;

/** Path of the WebSocket of one call; with a worker's number a reverse proxy can route it there. */
export function streamPath(name: string, worker?: number): string {
  return `${twilioPaths.media}/${worker === undefined ? '' : `${worker}/`}${name}`;
}

const pathShape = /^\/twilio\/media\/(?:(\d{1,3})\/)?([\w-]{1,64})\/?(?:\?|$)/;

/** What the target of an upgrade says of its stream; undefined: it is none. */
export function streamOfPath(
  target: string,
): { readonly name: string; readonly worker: number | undefined } | undefined {
  const [, worker, name] = pathShape.exec(target) ?? [];
  return name === undefined ? undefined : { name, worker: worker === undefined ? undefined : Number(worker) };
}

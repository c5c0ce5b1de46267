/** Header by which the main thread lets a media stream that it has checked into the listener of a worker. */
export const passHeader = 'x-trunkbridge-pass';

/** Path of the WebSocket of one call; with a worker's number a reverse proxy can route it there. */
export function streamPath(name: string, worker?: number): string {
  return `/twilio/media/${worker === undefined ? '' : `${worker}/`}${name}`;
}

const pathShape = /^\/twilio\/media\/(?:(\d{1,3})\/)?([\w-]{1,64})\/?(?:\?|$)/;

/** What the target of an upgrade says of its stream; undefined: it is none. */
export function streamOfPath(
  target: string,
): { readonly name: string; readonly worker: number | undefined } | undefined {
  const [, worker, name] = pathShape.exec(target) ?? [];
  return name === undefined ? undefined : { name, worker: worker === undefined ? undefined : Number(worker) };
}

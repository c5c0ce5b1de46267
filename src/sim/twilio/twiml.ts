/** One verb of TwiML, or a noun inside of one. */
export interface SimVerb {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly inner: readonly SimVerb[];
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const plain = (text: string) => text.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);

/** The verbs of a TwiML document, in order; empty when it is none. Knows as much XML as TwiML is made of. */
export function verbsOf(twiml: string): readonly SimVerb[] {
  const [response] = elements(twiml.replace(/<\?xml[^>]*\?>/, ''));
  return response?.name === 'Response' ? response.inner : [];
}

function elements(text: string): SimVerb[] {
  const found: SimVerb[] = [];
  const element = /<(\w+)((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/\1>)/g;
  for (const [, name = '', attributes = '', inside = ''] of text.matchAll(element)) {
    const pairs = [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)];
    found.push({
      name,
      attributes: Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, plain(value)])),
      text: plain(inside.replace(/<[^>]*>/g, '').trim()),
      inner: elements(inside),
    });
  }
  return found;
}

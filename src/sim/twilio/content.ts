import { type SimAnswer, simError } from './errors.ts';
import { listByUrl } from './paging.ts';
import { iso8601, newSid, type SimOwner } from './resource.ts';
import type { SimRoute, SimRouted } from './router.ts';

/** A template; `{{1}}` in its text is where the variable `1` goes. */
export interface SimTemplate {
  readonly sid: string;
  readonly friendlyName: string;
  readonly language: string;
  readonly text: string;
  /** What variables stand for where a message gives none. */
  readonly variables: Readonly<Record<string, string>>;
  readonly created: number;
}

const host = 'content.twilio.com';

/** Content v1: the account's message templates. */
export class SimContent {
  /** Oldest first. */
  readonly all: SimTemplate[] = [];
  readonly #owner: SimOwner;

  constructor(owner: SimOwner) {
    this.#owner = owner;
  }

  get routes(): readonly SimRoute[] {
    return [
      ['GET', '/v1/Content', request => this.#list(request)],
      ['GET', '/v1/Content/{sid}', ({ at }) => this.#fetch(at['sid'])],
    ];
  }

  add(friendlyName: string, text: string, variables: Readonly<Record<string, string>> = {}): SimTemplate {
    const created = this.#owner.clock.wall();
    const template = { sid: newSid('HX'), friendlyName, language: 'en', text, variables, created };
    this.all.push(template);
    return template;
  }

  /** What a template says; undefined where there is none of that name. */
  render(sid: string, variables: Readonly<Record<string, string>>): string | undefined {
    const template = this.all.find(each => each.sid === sid);
    if (template === undefined) return undefined;
    const values = { ...template.variables, ...variables };
    return template.text.replace(/\{\{(\w+)\}\}/g, (place, name: string) => values[name] ?? place);
  }

  #list({ path, query }: SimRouted): SimAnswer {
    const items = this.all.map(template => this.#resource(template));
    return listByUrl('contents', items, { host, path }, query);
  }

  #fetch(sid: string | undefined): SimAnswer {
    const template = this.all.find(each => each.sid === sid);
    if (template === undefined) return simError(20404, `Content/${sid}`);
    return { status: 200, body: this.#resource(template) };
  }

  #resource(template: SimTemplate): Record<string, unknown> {
    const url = `https://${host}/v1/Content/${template.sid}`;
    return {
      sid: template.sid,
      account_sid: this.#owner.accountSid,
      friendly_name: template.friendlyName,
      language: template.language,
      variables: template.variables,
      types: { 'twilio/text': { body: template.text } },
      date_created: iso8601(template.created),
      date_updated: iso8601(template.created),
      url,
      links: { approval_fetch: `${url}/ApprovalRequests` },
    };
  }
}

import { type SimAnswer, simError } from './errors.ts';

/** Twilio's page sizes. */
const defaultPageSize = 50;
const maxPageSize = 1000;

interface Page<T> {
  readonly page: number;
  readonly size: number;
  readonly items: readonly T[];
  readonly more: boolean;
}

function cut<T>(all: readonly T[], query: URLSearchParams): Page<T> | undefined {
  const size = Number(query.get('PageSize') ?? defaultPageSize);
  const page = Number(query.get('Page') ?? 0);
  if (!Number.isInteger(size) || size < 1 || size > maxPageSize) return undefined;
  if (!Number.isInteger(page) || page < 0) return undefined;
  const start = page * size;
  return { page, size, items: all.slice(start, start + size), more: all.length > start + size };
}

function locate(path: string, query: URLSearchParams, { page, size }: Pick<Page<unknown>, 'page' | 'size'>) {
  const there = new URLSearchParams([...query].filter(([name]) => !/^Page(Size|Token)?$/.test(name)));
  there.set('PageSize', String(size));
  there.set('Page', String(page));
  if (page > 0) there.set('PageToken', `PA${Buffer.from(`${page}`).toString('hex')}`);
  return `${path}?${there}`;
}

/** A list as the v2010 API pages it: relative URIs beside the items under their own name. */
export function listByUri(
  key: string,
  all: readonly unknown[],
  path: string,
  query: URLSearchParams,
): SimAnswer {
  const cutOut = cut(all, query);
  if (cutOut === undefined) return simError(20001);
  const { page, size, items, more } = cutOut;
  const at = (number: number) => locate(path, query, { page: number, size });
  const start = page * size;
  return {
    status: 200,
    body: {
      [key]: items,
      page,
      page_size: size,
      start,
      end: Math.max(start, start + items.length - 1),
      uri: at(page),
      first_page_uri: at(0),
      previous_page_uri: page > 0 ? at(page - 1) : null,
      next_page_uri: more ? at(page + 1) : null,
    },
  };
}

/** A list as the newer APIs page it: absolute URLs in `meta`, which lead to Twilio's own host. */
export function listByUrl(
  key: string,
  all: readonly unknown[],
  at: { readonly host: string; readonly path: string },
  query: URLSearchParams,
): SimAnswer {
  const cutOut = cut(all, query);
  if (cutOut === undefined) return simError(20001);
  const { page, size, items, more } = cutOut;
  const url = (number: number) => `https://${at.host}${locate(at.path, query, { page: number, size })}`;
  return {
    status: 200,
    body: {
      [key]: items,
      meta: {
        key,
        page,
        page_size: size,
        url: url(page),
        first_page_url: url(0),
        previous_page_url: page > 0 ? url(page - 1) : null,
        next_page_url: more ? url(page + 1) : null,
      },
    },
  };
}

/**
 * Whether a moment passes the three filters that Twilio has for a date: `Name` for that day, `Name<` up to and
 * `Name>` from it. A day without a time stands for all of it. What never happened passes only where nothing is asked.
 */
export function within(query: URLSearchParams, name: string, wallMs: number | undefined): boolean {
  const asked = ['', '<', '>'].map(sign => [sign, query.get(`${name}${sign}`)] as const);
  return asked.every(([sign, text]) => {
    if (text === null || text === '') return true;
    const from = Date.parse(text);
    if (Number.isNaN(from) || wallMs === undefined) return false;
    const dayMs = 86_400_000;
    const until = /^\d{4}-\d\d-\d\d$/.test(text) ? from + dayMs : from + 1000;
    if (sign === '>') return wallMs >= from;
    if (sign === '<') return wallMs < until;
    const day = from - (((from % dayMs) + dayMs) % dayMs);
    return wallMs >= day && wallMs < day + dayMs;
  });
}

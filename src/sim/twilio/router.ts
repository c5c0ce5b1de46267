import type { SimAnswer } from './errors.ts';

/** A request that found its place. */
export interface SimRouted {
  /** Named parts of the path, decoded. */
  readonly at: Readonly<Record<string, string>>;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
}

export type SimHandler = (request: SimRouted) => SimAnswer;

/** Method, path with `{name}` for what varies, and who answers. The first that fits is taken. */
export type SimRoute = readonly [method: 'GET' | 'POST', path: string, handler: SimHandler];

interface Compiled {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handler: SimHandler;
}

export class SimRouter {
  readonly #routes: readonly Compiled[];

  constructor(routes: readonly SimRoute[]) {
    this.#routes = routes.map(([method, path, handler]) => ({ method, pattern: compile(path), handler }));
  }

  /** Undefined where nothing is at that path for that method. */
  answer(method: string, path: string, query: URLSearchParams, form: URLSearchParams): SimAnswer | undefined {
    for (const route of this.#routes) {
      const found = route.method === method ? route.pattern.exec(path) : null;
      if (found === null) continue;
      const at = Object.fromEntries(
        Object.entries(found.groups ?? {}).map(([name, part]) => [name, decodeURIComponent(part)]),
      );
      return route.handler({ at, path, query, form });
    }
    return undefined;
  }
}

function compile(path: string): RegExp {
  const parts = path.split(/(\{\w+\})/).map(part => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    return name === undefined ? part.replace(/[.+*?()[\]^$|\\]/g, '\\$&') : `(?<${name}>[^/]+?)`;
  });
  return new RegExp(`^${parts.join('')}$`);
}

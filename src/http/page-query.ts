import { z } from 'zod';

/** What every list takes. */
export const pageQuery = {
  cursor: z.string().max(200).optional(),
  page_size: z.coerce.number().int().min(1).max(100).default(30),
};

/** The page that was asked for. */
export const pageOf = (wish: { readonly cursor?: string | undefined; readonly page_size: number }) => ({
  size: wish.page_size,
  ...(wish.cursor === undefined || wish.cursor === '' ? {} : { cursor: wish.cursor }),
});

/** How a page says whether there is another. */
export const nextOf = (next: string | undefined) => ({
  next_cursor: next ?? null,
  has_more: next !== undefined,
});

/** What is wrong with a query, as one sentence. */
export const problemsOf = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => [path.join('.'), message].join(' ').trim()).join('; ');

/** Without the fields that are undefined. */
export const defined = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

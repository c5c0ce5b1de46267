import { describe, expect, it } from 'vitest';
import { RequestContext } from '../../../src/twilio/request-context.ts';

describe('what requests have to know', () => {
  it('is known within each of those that run at once, and nowhere else', async () => {
    const context = new RequestContext<string>();
    const seen = await Promise.all(
      ['a', 'b'].map((value, index) =>
        context.run(value, async () => {
          for (let i = 0; i < 3 + index * 3; i++) await undefined;
          return context.current;
        }),
      ),
    );
    expect(seen).toEqual(['a', 'b']);
    expect(context.current).toBeUndefined();
    await expect(context.run('c', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await context.run('d', async () => context.current)).toBe('d');
  });
});

import type { CallOptions } from './parts.ts';

/** What a number may have of its own: any of the options, and of the grouped ones any part. */
export type OwnOptions = Partial<Omit<CallOptions, 'survival' | 'waiting'>> & {
  readonly survival?: Partial<CallOptions['survival']> | undefined;
  readonly waiting?: Partial<CallOptions['waiting']> | undefined;
};

/** The options that hold for the calls of a number. */
export function ownOptions(general: CallOptions, own: OwnOptions): CallOptions {
  return {
    ...general,
    ...own,
    survival: { ...general.survival, ...own.survival },
    waiting: { ...general.waiting, ...own.waiting },
  };
}

/** What the store tells of itself. */
export interface StoreMeters {
  /** Pictures of calls that were written in one transaction, and how long it took, ms. */
  written(calls: number, ms: number): void;
  /** A write that failed; it is tried again. */
  failed(): void;
  /** Calls that were put into the spill file. */
  spilt(calls: number): void;
  /** A call that could be kept nowhere. */
  lost(): void;
  /** Calls that were found running and closed. */
  interrupted(calls: number): void;
  /** Calls that were removed because of their age. */
  expired(calls: number): void;
}

const nothing = () => undefined;

export const noMeters: StoreMeters = {
  written: nothing,
  failed: nothing,
  spilt: nothing,
  lost: nothing,
  interrupted: nothing,
  expired: nothing,
};

import type { DescribedTool } from './tool-schema.ts';

/** One thing about an agent that does not fit a bridge. */
export interface Finding {
  /** `fault`: calls fail or a tool does not work. `advice`: they work, less well than they could. */
  readonly severity: 'fault' | 'advice';
  readonly sentence: string;
}

export interface DoctorOptions {
  /** PUBLIC_URL: what webhook tools to this bridge begin with. */
  readonly publicUrl?: string;
  /** Variables that the configuration gives each call. */
  readonly variables?: readonly string[];
  /** Tools that an agent has all of, or none. */
  readonly group?: readonly DescribedTool[];
}

export const fault = (sentence: string): Finding => ({ severity: 'fault', sentence });
export const advice = (sentence: string): Finding => ({ severity: 'advice', sentence });

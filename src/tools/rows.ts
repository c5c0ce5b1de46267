import type { ToolResult, ToolValue } from './tool.ts';

export const rowLimits = {
  /** Longest result of a tool that answers with rows, bytes of its JSON: it becomes part of what the agent has in mind. */
  resultBytes: 8 * 1024,
} as const;

type Row = { readonly [field: string]: ToolValue | undefined };

/** A result with as many of the rows, the first ones first, as fit; `left_out` says how many did not. */
export function withRows(result: ToolResult, name: string, rows: readonly Row[]): ToolResult {
  const kept: Row[] = [];
  let bytes = Buffer.byteLength(JSON.stringify({ ...result, [name]: [], left_out: rows.length }));
  for (const row of rows) {
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
    if (bytes > rowLimits.resultBytes) break;
    kept.push(row);
  }
  const left = rows.length - kept.length;
  return { ...result, [name]: kept, ...(left === 0 ? {} : { left_out: left }) };
}

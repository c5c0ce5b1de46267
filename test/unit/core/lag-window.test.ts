import { describe, expect, it } from 'vitest';
import { LagWindow } from '../../../src/core/lag-window.ts';

describe('the looks at a lag', () => {
  it('that a long pause has held up do not hide how long it was', () => {
    const window = new LagWindow(100, 0);
    for (let due = 20; due <= 3000; due += 20) window.look(due, 3000);
    expect(window.standing(3000, 3000)).toBe(2980);
  });
});

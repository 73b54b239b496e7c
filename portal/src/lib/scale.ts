// SPDX-License-Identifier: Apache-2.0
// Numbers for charts. Pure.

/** Round values from 0 up to at least `max`, about `wanted` of them: what the lines of a chart stand at. */
export function ticks(max: number, wanted = 4): number[] {
  if (!(max > 0)) return [0, 1];
  const raw = max / wanted;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(Number.isInteger(max) ? 1 : 0, size * ([1, 2, 2.5, 5, 10].find((m) => size * m >= raw) ?? 10));
  const list = [];
  for (let i = 0; i <= Math.ceil(max / step); i++) list.push(i * step);
  return list;
}

/** Every how many of `n` labels can be written, if each takes `each` of `width`. */
export function everyNth(n: number, each: number, width: number): number {
  const fits = Math.max(1, Math.floor(width / each));
  return Math.max(1, Math.ceil(n / fits));
}

// How fast it answers, and how much it has to.

import { bars } from './bars.js';
import { el, setText } from './dom.js';
import { count, milliseconds, time } from './format.js';
import { model } from './model.js';
import { panel } from './parts.js';

const UNKNOWN = '–';

function bucketBars(buckets) {
  let from = 0;
  return buckets.map(({ up_to: upTo, count: times }) => {
    const title = upTo === null ? `over ${from} ms: ${times}` : `${from} to ${upTo} ms: ${times}`;
    from = upTo ?? from;
    return { count: times, title };
  });
}

function scaleWords(buckets) {
  const bounds = buckets.map((bucket) => bucket.up_to).filter((bound) => bound !== null);
  return bounds.length > 0 ? [`≤ ${milliseconds(bounds[0])}`, `> ${milliseconds(bounds.at(-1))}`] : ['', ''];
}

/** One latency: its figures, and how it is spread. */
function latencyRow() {
  const name = el('h3');
  const cells = ['p50', 'p99', 'worst'].map((title) => {
    const value = el('dd');
    return { key: title, value, node: el('div', {}, el('dt', { text: title }), value) };
  });
  const times = el('span', { class: 'muted' });
  const drawing = bars('how often it took how long', 30);
  const [low, high] = [el('span'), el('span')];
  const node = el('li', {}, el('div', { class: 'head' }, name, times), el('dl', { class: 'three' }, ...cells.map((cell) => cell.node)),
    drawing.node, el('p', { class: 'scale' }, low, high));
  return {
    node,
    show(latency) {
      setText(name, latency.name);
      node.title = latency.words;
      setText(times, count(latency.count, 'time'));
      for (const { key, value } of cells) setText(value, latency.count === 0 ? UNKNOWN : milliseconds(latency[key]));
      drawing.show(bucketBars(latency.buckets));
      const [from, to] = scaleWords(latency.buckets);
      setText(low, from);
      setText(high, to);
    },
  };
}

/**
 * The panel.
 * @returns {{node: HTMLElement, show: () => void, topics: string[]}}
 */
export function latencyPanel() {
  const list = el('ul', { class: 'latencies' });
  const rows = new Map();
  const minutes = bars('fills in each of the last 60 minutes', 36);
  const last = el('span', { class: 'muted' });
  const [from, to] = [el('span'), el('span', { text: 'now' })];
  const node = panel('latency', 'Latency and fills per minute', list,
    el('div', { class: 'minutes' }, el('div', { class: 'head' }, el('h3', { text: 'fills per minute' }), last), minutes.node,
      el('p', { class: 'scale' }, from, to)));
  const show = () => {
    const { latencies, fills_per_minute: fills } = model.bot.stats;
    for (const latency of latencies) {
      if (!rows.has(latency.name)) {
        const row = latencyRow();
        rows.set(latency.name, row);
        list.append(row.node);
      }
      rows.get(latency.name).show(latency);
    }
    minutes.show(fills.map((minute) => ({ count: minute.fills, title: `${time(minute.at)}: ${count(minute.fills, 'fill')}` })));
    const most = Math.max(0, ...fills.map((minute) => minute.fills));
    setText(last, `${fills.at(-1)?.fills ?? 0} in this one, at most ${most}`);
    setText(from, fills.length > 0 ? time(fills[0].at) : '');
  };
  return { node, show, topics: ['stats'] };
}

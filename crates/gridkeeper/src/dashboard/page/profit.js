// Profit over time: what round trips have earned, added up.

import { AreaSeries, createChart, LineType } from './lightweight-charts.js';
import { feeWords } from './cells.js';
import { el, setText } from './dom.js';
import { chartOptions, onChartTheme } from './drawing.js';
import { amount, count } from './format.js';
import { model } from './model.js';
import { panel } from './parts.js';
import { colour } from './theme.js';

function points(profit) {
  const bySecond = new Map(profit.map(({ at, realized }) => [Math.floor(at / 1000), Number(realized)]));
  return [...bySecond].sort((a, b) => a[0] - b[0]).map(([time, value]) => ({ time, value }));
}

/**
 * The panel.
 * @returns {{node: HTMLElement, show: () => void, topics: string[], end: () => void}}
 */
export function profitPanel() {
  const place = el('div', { class: 'canvas small', role: 'img', 'aria-label': 'realized profit over time' });
  const words = el('p', { class: 'reading' });
  const chart = createChart(place, { ...chartOptions(), timeScale: { ...chartOptions().timeScale, rightOffset: 1 } });
  const series = chart.addSeries(AreaSeries, { lineWidth: 2, lineType: LineType.WithSteps, priceLineVisible: false, priceFormat: { type: 'price', precision: 4, minMove: 0.0001 } });
  const empty = el('p', { class: 'empty', text: 'Nothing has been sold yet.' });
  const node = panel('profit', 'Profit over time', words, place, empty);
  let drawn = { list: null, last: undefined, time: 0 };
  const show = () => {
    const { bot, profit } = model.bot;
    setText(words, `${amount(bot.realized, bot.quote)} earned after fees; ${count(bot.round_trips, 'whole round trip')}; fees paid ${feeWords(bot.fees)}`);
    empty.hidden = profit.length > 0;
    place.hidden = profit.length === 0;
    const news = drawn.list === profit ? points(profit.slice(profit.lastIndexOf(drawn.last) + 1)) : [];
    // One that was learnt of late belongs between others: the line is drawn anew.
    if (drawn.list !== profit || news.some((point) => point.time < drawn.time)) {
      const all = points(profit);
      series.setData(all);
      if (drawn.list !== profit) chart.timeScale().fitContent();
      drawn = { list: profit, last: profit.at(-1), time: all.at(-1)?.time ?? 0 };
      return;
    }
    for (const point of news) series.update(point);
    drawn = { list: profit, last: profit.at(-1), time: news.at(-1)?.time ?? drawn.time };
  };
  const offTheme = onChartTheme(chart, () => {
    const line = colour('--buy');
    series.applyOptions({ lineColor: line, topColor: colour('--buy-soft'), bottomColor: colour('--panel') });
  });
  const end = () => {
    offTheme();
    chart.remove();
  };
  return { node, show, topics: ['profit', 'bots'], end };
}

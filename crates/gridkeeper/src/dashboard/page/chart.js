// The price chart: the price, the grid's lines, each level's open order, and fills as marks. Amounts become numbers
// here, for drawing only.

import { createChart, LineSeries } from './lightweight-charts.js';
import { levelAddress } from './address.js';
import { el, setText } from './dom.js';
import { amount, exactTime } from './format.js';
import { FillMarks } from './fillmarks.js';
import { GridLines } from './gridlines.js';
import { model } from './model.js';
import { panel } from './parts.js';
import { chartOptions, onChartTheme } from './drawing.js';
import { colour } from './theme.js';

/** After so many further points the line is drawn anew from what is kept. */
const FURTHER = 2000;

const seconds = (ms) => Math.floor(ms / 1000);

/** Points of a line: one a second, the last of it. */
function points(prices) {
  const line = [];
  for (const { at, price } of prices) {
    const point = { time: seconds(at), value: Number(price) };
    const last = line.at(-1);
    if (!last || point.time > last.time) line.push(point);
    else if (point.time === last.time) line[line.length - 1] = point;
  }
  return line;
}

/** Which prices are shown: those of the line with a few of the grid around it, or the whole grid. */
function range(base, whole) {
  const lines = model.bot?.lines.map(Number) ?? [];
  if (lines.length === 0) return base;
  const low = base?.priceRange?.minValue ?? lines[0];
  const high = base?.priceRange?.maxValue ?? lines.at(-1);
  if (whole) return { priceRange: { minValue: Math.min(low, lines[0]), maxValue: Math.max(high, lines.at(-1)) } };
  const below = lines.filter((line) => line < low).slice(-2)[0] ?? low;
  const above = lines.filter((line) => line > high).slice(0, 2).at(-1) ?? high;
  return { priceRange: { minValue: below, maxValue: above } };
}

/** As many decimals as prices of the symbol have. */
function priceFormat(tick) {
  const precision = (tick.split('.')[1] ?? '').length;
  return { type: 'price', precision, minMove: 10 ** -precision };
}

function scaleButtons(onChange) {
  const near = el('button', { type: 'button', 'aria-pressed': 'true', text: 'Around the price' });
  const whole = el('button', { type: 'button', 'aria-pressed': 'false', text: 'Whole grid' });
  const choose = (isWhole) => {
    near.setAttribute('aria-pressed', String(!isWhole));
    whole.setAttribute('aria-pressed', String(isWhole));
    onChange(isWhole);
  };
  near.addEventListener('click', () => choose(false));
  whole.addEventListener('click', () => choose(true));
  return el('div', { class: 'switch', role: 'group', 'aria-label': 'which prices are shown' }, near, whole);
}

function legend() {
  const part = (kind, text) => el('span', { class: `key ${kind}`, text });
  return el('p', { class: 'legend' }, part('buy', '▲ BUY order, or bought'), part('sell', '▼ SELL order, or sold'),
    part('none', 'line without an order'));
}

function lastWords({ bot, price }) {
  if (!price) return 'no price yet';
  const { quote } = bot;
  const around = price.from === 'exchange' ? `between ${price.bid} and ${price.ask}` : 'of the last fill';
  return `${amount(price.price, quote)}, ${around}`;
}

function fillWords(id) {
  const fill = model.bot?.fills.find((one) => one.id === id);
  if (!fill) return null;
  const { bot } = model.bot;
  return `level ${fill.level}: ${fill.side} ${amount(fill.quantity, bot.base)} at ${amount(fill.price, bot.quote)}, ${exactTime(fill.at)}`;
}

/**
 * The panel.
 * @returns {{node: HTMLElement, show: () => void, topics: string[], end: () => void}}
 */
export function priceChart() {
  const place = el('div', { class: 'canvas', role: 'img', 'aria-label': 'price over time with the grid’s lines; the ladder below has the same in words' });
  const words = el('p', { class: 'reading' });
  const grid = new GridLines();
  let whole = false;
  const chart = createChart(place, chartOptions());
  const series = chart.addSeries(LineSeries, { lineWidth: 2, autoscaleInfoProvider: (original) => range(original(), whole) });
  const marks = new FillMarks();
  series.attachPrimitive(grid);
  series.attachPrimitive(marks);
  const scale = scaleButtons((isWhole) => {
    whole = isWhole;
    series.priceScale().setAutoScale(true);
    series.applyOptions({});
  });
  const node = panel('price', 'Price and grid', el('div', { class: 'tools' }, words, scale), place, legend());
  // Where a price is drawn, in pixels from the chart's top.
  place.yOf = (price) => series.priceToCoordinate(Number(price));

  let drawn = { prices: null, last: 0, count: 0 };
  const showPrices = ({ prices }) => {
    if (drawn.prices !== prices || drawn.count > FURTHER) {
      const line = points(prices);
      series.setData(line);
      drawn = { prices, last: line.at(-1)?.time ?? 0, count: 0 };
      chart.timeScale().scrollToPosition(chart.options().timeScale.rightOffset, false);
      return;
    }
    const from = prices.findLastIndex((one) => seconds(one.at) < drawn.last) + 1;
    for (const point of points(prices.slice(from))) {
      if (point.time < drawn.last) continue;
      series.update(point);
      drawn.count += 1;
      drawn.last = point.time;
    }
  };
  const show = () => {
    if (drawn.prices !== model.bot.prices) series.applyOptions({ priceFormat: priceFormat(model.bot.grid.tick) });
    showPrices(model.bot);
    grid.show(model.bot);
    marks.show(model.bot);
    setText(words, lastWords(model.bot));
  };
  chart.subscribeCrosshairMove(({ hoveredObjectId }) => {
    if (model.bot) setText(words, fillWords(hoveredObjectId) ?? lastWords(model.bot));
  });
  chart.subscribeClick(({ hoveredObjectId }) => {
    const fill = model.bot?.fills.find((one) => one.id === hoveredObjectId);
    if (fill) location.hash = levelAddress(model.bot.bot.bot, fill.level);
  });
  const offTheme = onChartTheme(chart, () => {
    series.applyOptions({ color: colour('--text') });
    grid.redraw();
    marks.redraw();
  });
  const end = () => {
    offTheme();
    chart.remove();
  };
  return { node, show, topics: ['price', 'levels', 'fills'], end };
}

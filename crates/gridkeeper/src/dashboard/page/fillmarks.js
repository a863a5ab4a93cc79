// Fills as marks on the price chart: buys point up, sells down.

import { colour } from './theme.js';

/** Marks of older fills are left out. */
const MARKS = 300;

/** Half of a mark's width, and how near the pointer must come. */
const SIZE = 5.5;
const REACH = 8;

/** A primitive of the chart library. What the pointer is on is told by the fill's id. */
export class FillMarks {
  constructor() {
    this.fills = [];
    this.last = null;
    this.drawn = [];
    const renderer = { draw: (target) => target.useBitmapCoordinateSpace((scope) => this.draw(scope)) };
    this.views = [{ zOrder: () => 'top', renderer: () => renderer }];
  }

  attached({ chart, series, requestUpdate }) {
    this.time = chart.timeScale();
    this.series = series;
    this.requestUpdate = requestUpdate;
  }

  detached() {
    this.requestUpdate = null;
  }

  paneViews() {
    return this.views;
  }

  updateAllViews() {}

  /**
   * Takes what is to be drawn.
   * @param {object} watched the bot
   */
  show({ fills }) {
    const last = fills.at(-1) ?? null;
    if (this.last === last && this.fills.length === Math.min(fills.length, MARKS)) return;
    this.last = last;
    this.fills = fills.slice(-MARKS);
    this.redraw();
  }

  /** Draws again, as after a change of colours. */
  redraw() {
    this.requestUpdate?.();
  }

  hitTest(x, y) {
    const hit = this.drawn.findLast((mark) => Math.hypot(mark.x - x, mark.y - y) <= REACH);
    return hit ? { externalId: hit.id, zOrder: 'top', cursorStyle: 'pointer' } : null;
  }

  /** Where each fill is, in pixels; what is outside is left out. */
  place({ width, height }) {
    this.drawn = [];
    for (const { id, at, price, side } of this.fills) {
      const index = this.time.timeToIndex(Math.floor(at / 1000), true);
      const x = index === null ? null : this.time.logicalToCoordinate(index);
      const y = this.series.priceToCoordinate(Number(price));
      if (x === null || y === null || x < 0 || x > width || y < 0 || y > height) continue;
      this.drawn.push({ id, x, y, buys: side === 'BUY' });
    }
  }

  draw({ context, mediaSize, horizontalPixelRatio: across, verticalPixelRatio: down }) {
    this.place(mediaSize);
    const [buy, sell, edge] = [colour('--buy'), colour('--sell'), colour('--panel')];
    context.save();
    context.lineWidth = Math.max(1, down);
    context.strokeStyle = edge;
    for (const { x, y, buys } of this.drawn) {
      const way = buys ? 1 : -1;
      context.fillStyle = buys ? buy : sell;
      context.beginPath();
      context.moveTo(x * across, (y - way * SIZE) * down);
      context.lineTo((x + SIZE) * across, (y + way * SIZE) * down);
      context.lineTo((x - SIZE) * across, (y + way * SIZE) * down);
      context.closePath();
      context.fill();
      context.stroke();
    }
    context.restore();
  }
}

// The grid's lines and the orders on them, drawn into the price chart.

import { ofLevel } from './marks.js';
import { colour } from './theme.js';

/** An order's line is strong over this width at the right, and has its words there. */
const STRONG = 118;

/** Words nearer to each other than this would overlap. */
const APART = 13;

const DASHES = { BUY: [], SELL: [7, 4], none: [2, 4] };

function orderOf(row) {
  const { order, state, level } = row;
  if (!order || state === 'idle') return null;
  const open = state === 'open';
  const kind = open ? order.side : 'none';
  const [shape, words] = ofLevel(state);
  return {
    price: Number(order.price),
    kind,
    text: open ? `${order.side === 'BUY' ? '▲' : '▼'} ${level} ${order.side} ${order.quantity}` : `${shape} ${level} ${words}`,
  };
}

/** A primitive of the chart library: what it draws is asked for with each frame that needs it. */
export class GridLines {
  constructor() {
    this.lines = [];
    this.orders = [];
    this.levels = null;
    const renderer = { draw: (target) => target.useBitmapCoordinateSpace((scope) => this.draw(scope)) };
    this.views = [{ zOrder: () => 'bottom', renderer: () => renderer }];
  }

  attached({ series, requestUpdate }) {
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
  show({ lines, levels }) {
    const unchanged = this.levels?.length === levels.length && levels.every((row, at) => row === this.levels[at]);
    if (unchanged) return;
    this.levels = [...levels];
    this.lines = lines.map(Number);
    this.orders = levels.map(orderOf).filter(Boolean).sort((a, b) => b.price - a.price);
    this.redraw();
  }

  /** Draws again, as after a change of colours. */
  redraw() {
    this.requestUpdate?.();
  }

  draw({ context, bitmapSize, horizontalPixelRatio: across, verticalPixelRatio: down }) {
    const line = (y, from, width) => {
      context.lineWidth = Math.max(1, Math.round(width * down));
      context.beginPath();
      context.moveTo(from, y);
      context.lineTo(bitmapSize.width, y);
      context.stroke();
    };
    const yOf = (price) => {
      const y = this.series.priceToCoordinate(price);
      return y === null ? null : Math.round(y * down) + 0.5;
    };
    const seen = (y) => y !== null && y >= 0 && y <= bitmapSize.height;
    context.save();
    context.setLineDash([]);
    context.strokeStyle = colour('--edge');
    for (const price of this.lines) {
      const y = yOf(price);
      if (seen(y)) line(y, 0, 1);
    }
    const colours = { BUY: colour('--buy'), SELL: colour('--sell'), none: colour('--muted') };
    context.font = `${Math.round(10.5 * down)}px system-ui, sans-serif`;
    context.textAlign = 'right';
    context.textBaseline = 'bottom';
    let lastWords = -Infinity;
    for (const { price, kind, text } of this.orders) {
      const y = yOf(price);
      if (!seen(y)) continue;
      context.strokeStyle = colours[kind];
      context.setLineDash(DASHES[kind].map((part) => part * across));
      context.globalAlpha = 0.35;
      line(y, 0, 1);
      context.globalAlpha = 1;
      line(y, bitmapSize.width - STRONG * across, 2);
      if (y - lastWords < APART * down) continue;
      lastWords = y;
      context.fillStyle = colours[kind];
      context.fillText(text, bitmapSize.width - 4 * across, y - 1.5 * down);
    }
    context.restore();
  }
}

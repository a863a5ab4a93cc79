// What all charts have in common: colours of the page, times in the viewer's zone.

import { onTheme, colour } from './theme.js';
import { exactTime } from './format.js';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
const clockToTheSecond = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** The library's kinds of time marks up to this one are days and longer. */
const DAY = 2;
const WITH_SECONDS = 4;

function timeMark(seconds, kind) {
  const ms = seconds * 1000;
  if (kind <= DAY) return day.format(ms);
  return (kind === WITH_SECONDS ? clockToTheSecond : clock).format(ms);
}

/**
 * Options of a chart. The library's own attribution would be styled by a `<style>` element, which the page's policy
 * forbids: the footer has it.
 * @returns {object}
 */
export function chartOptions() {
  return {
    autoSize: true,
    layout: { attributionLogo: false, fontSize: 11, background: { color: 'transparent' } },
    localization: { timeFormatter: (seconds) => exactTime(seconds * 1000).slice(0, -4) },
    timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 21, tickMarkFormatter: timeMark, borderVisible: false },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.06, bottom: 0.06 } },
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false, axisPressedMouseMove: true },
  };
}

/**
 * Keeps a chart in the page's colours.
 * @param {object} chart
 * @param {() => void} then what else is to be coloured
 * @returns {() => void} ends it
 */
export function onChartTheme(chart, then) {
  return onTheme(() => {
    const hair = colour('--hair');
    chart.applyOptions({
      layout: { textColor: colour('--muted') },
      grid: { vertLines: { color: hair }, horzLines: { visible: false } },
      crosshair: { vertLine: { labelBackgroundColor: colour('--muted') }, horzLine: { labelBackgroundColor: colour('--muted') } },
    });
    then();
  });
}

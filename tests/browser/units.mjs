// Parts of the page that need no browser.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

const part = (name) => import(fileURLToPath(new URL(`../../crates/gridkeeper/src/dashboard/page/${name}`, import.meta.url)));

const STREAM = ': a sign of life\nretry: 1000\n\nevent: levels\r\ndata: {"bot":"a",\r\ndata: "levels":[]}\r\n\r\ndata: {"é":1}\n\nevent: gone\ndata:{}\n\n';

export const units = {
  async 'events are read whatever pieces they come in'() {
    const { eventReader } = await part('events.js');
    for (let size = 1; size <= STREAM.length; size += 1) {
      const heard = [];
      const take = eventReader((event, data) => heard.push([event, data]));
      for (let at = 0; at < STREAM.length; at += size) take(STREAM.slice(at, at + size));
      assert.deepEqual(heard, [['levels', { bot: 'a', levels: [] }], ['message', { 'é': 1 }], ['gone', {}]], `in pieces of ${size}`);
    }
    const heard = [];
    eventReader((event) => heard.push(event))('event: cut\ndata: {"half');
    assert.deepEqual(heard, [], 'half an event is none');
  },

  async 'each trade is shown with the line that tells of it, and none is left out'() {
    const { withEvidence } = await part('story.js');
    const fill = (trade, at) => ({ trade, committed_at: at, side: 'BUY' });
    const lines = [{ at: 10, text: 'laid' }, { at: 30, text: 'bought in two' }, { at: 30, text: 'refused' }, { at: 50, text: 'placed' }, { at: 50, text: 'bought (trade c)' }];
    const told = withEvidence(lines, [fill('d', 60), fill('a', 20), fill('b', 30), fill('c', 50)]);
    assert.deepEqual(told.map((line) => [line.at, line.text, line.fills.map((one) => one.trade).join('')]), [
      [10, 'laid', ''], [30, 'bought in two', 'ab'], [30, 'refused', ''], [50, 'placed', ''], [50, 'bought (trade c)', 'c'], [60, 'BUY traded', 'd'],
    ]);
  },

  async 'amounts stay as they came, durations and steps are in fitting units'() {
    const { amount, count, direction, duration, inZone, milliseconds } = await part('format.js');
    assert.equal(amount('-0.00000001', 'BTC'), '−0.00000001 BTC');
    assert.equal(amount('123456789012345678.12345678', 'USDT'), '123456789012345678.12345678 USDT');
    assert.equal(amount('0.079338738738738738738738739'), '0.07933873', 'cut, not rounded');
    assert.deepEqual(['1.200000001', '0.000000001', '-3.000000001', '60000.00'].map((text) => amount(text)), ['1.2', '0', '−3', '60000.00']);
    assert.equal(amount(null), '–');
    assert.deepEqual(['0.1', '-0.1', '0', null].map(direction), ['gain', 'loss', 'even', 'even']);
    assert.deepEqual([-5, 59_999, 60_000, 3_600_000, 200_000_000].map(duration), ['0 s', '59 s', '1 min', '1 h 00 min', '2 d 7 h']);
    assert.deepEqual([null, 3, 3.4, 37, 1200, 61_000].map(milliseconds), ['–', '3 ms', '3.40 ms', '37 ms', '1.20 s', '61.0 s']);
    const noon = inZone('tried again after 2026-03-01 12:00:05 UTC, and 2026-99-01 12:00:05 UTC');
    assert.match(noon, /^tried again after Mar 1 \d\d:\d\d:05, and 2026-99-01 12:00:05 UTC$/);
    assert.deepEqual([count(1, 'bot'), count(2, 'bot'), count(0, 'reply', 'replies')], ['1 bot', '2 bots', '0 replies']);
  },
};

// The events of the server, read line by line. Other than `EventSource` this sees the signs of life between events, so
// that a connection that is open but dead is noticed, and it learns why the server refuses.

import { request, ServerError } from './api.js';
import { eventReader } from './events.js';

/** Without a line for so long a connection is dead. The server gives a sign of life every 10 s. */
const SILENCE_MS = 25_000;

/** Before the first and every further try. */
const RETRY_MS = [250, 500, 1000, 2000];

/** One connection at a time, opened again until it is told to watch something else. */
export class Stream {
  /**
   * @param {(event: string, data: object) => void} onEvent
   * @param {(state: 'connecting'|'live'|'lost'|'refused', why: string) => void} onState
   */
  constructor(onEvent, onState) {
    this.onEvent = onEvent;
    this.onState = onState;
    this.stop = new AbortController();
  }

  /**
   * Watches all bots and, in full, this one.
   * @param {string|null} bot
   */
  watch(bot) {
    this.stop.abort();
    this.stop = new AbortController();
    this.keepReading(bot, this.stop.signal);
  }

  async keepReading(bot, stopped) {
    for (let tries = 0; !stopped.aborted; tries += 1) {
      try {
        await this.read(bot, stopped, () => {
          tries = 0;
          this.onState('live', '');
        });
        if (!stopped.aborted) this.onState('lost', 'the server closed it');
      } catch (error) {
        if (stopped.aborted) return;
        if (error instanceof ServerError && error.status === 403) {
          this.onState('refused', error.message);
          return;
        }
        this.onState('lost', error.message);
      }
      await pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)], stopped);
    }
  }

  async read(bot, stopped, onOpen) {
    const dead = new AbortController();
    let timer = setTimeout(() => dead.abort(), SILENCE_MS);
    const signal = AbortSignal.any([stopped, dead.signal]);
    try {
      const path = bot === null ? '/api/events' : `/api/events?${new URLSearchParams({ bot })}`;
      const response = await request(path, { signal, headers: { Accept: 'text/event-stream' } });
      onOpen();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const take = eventReader((event, data) => {
        if (!stopped.aborted) this.onEvent(event, data);
      });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => dead.abort(), SILENCE_MS);
        take(value);
      }
    } finally {
      clearTimeout(timer);
      dead.abort();
    }
  }
}

function pause(ms, stopped) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

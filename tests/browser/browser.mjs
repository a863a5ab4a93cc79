// A real browser, whose every page is watched: no error in its console, no request to anywhere but this machine.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const { chromium } = createRequire(join(process.env.BROWSER_PACKAGES, '/'))('playwright-core');

/** With this set, the page's files come from a folder and not from the built program: to work on the page. */
const FOLDER = process.env.BROWSER_PAGE;

let browser = null;

async function started() {
  // Without a sandbox as root only: there is none for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  browser ??= await chromium.launch({ executablePath: process.env.BROWSER_CHROMIUM, args });
  return browser;
}

/** Ends the browser, if it was started. */
export async function endBrowser() {
  await browser?.close();
  browser = null;
}

/** The page with what the server says of it, its policy above all. */
async function pageFromFolder(route) {
  await route.fulfill({ response: await route.fetch(), path: join(FOLDER, 'index.html') });
}

/** A page, and what went wrong on it. */
export class Watched {
  /**
   * Opens a page.
   * @param {string} address
   * @param {object} [options] of the browser's context, such as `viewport` and `colorScheme`
   */
  static async open(address, options = {}) {
    const watched = new Watched();
    watched.context = await (await started()).newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light', timezoneId: 'Europe/Vienna', ...options });
    if (FOLDER) {
      await watched.context.route('**/assets/*', (route) => route.fulfill({ path: join(FOLDER, basename(new URL(route.request().url()).pathname)) }));
      await watched.context.route((url) => url.pathname === '/' && url.searchParams.has('token'), pageFromFolder);
    }
    watched.page = await watched.context.newPage();
    watched.page.setDefaultTimeout(20_000);
    watched.errors = [];
    watched.outside = [];
    watched.requests = 0;
    watched.expectsLoss = false;
    watched.page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') watched.hear(message.text());
    });
    watched.page.on('pageerror', (error) => watched.errors.push(error.stack));
    watched.page.on('request', (request) => {
      watched.requests += 1;
      const { protocol, hostname } = new URL(request.url());
      if (protocol !== 'data:' && hostname !== '127.0.0.1') watched.outside.push(request.url());
    });
    await watched.page.goto(address);
    return watched;
  }

  /** The browser itself tells of each connection that is refused. While a server is away that is no error of the page. */
  hear(text) {
    const ofConnection = /ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)/;
    if (!(this.expectsLoss && ofConnection.test(text))) this.errors.push(text);
  }

  /** Waits until one of these elements says something, as it is read on the page, and gives its text. */
  async says(selector, words) {
    const pattern = words instanceof RegExp ? words : new RegExp(words);
    const look = ([where, source, flags]) => {
      const wanted = new RegExp(source, flags);
      const texts = [...document.querySelectorAll(where)].map((node) => node.innerText.trim());
      return texts.find((text) => wanted.test(text)) ?? null;
    };
    const what = [selector, pattern.source, pattern.flags];
    try {
      return await (await this.page.waitForFunction(look, what)).jsonValue();
    } catch (error) {
      const texts = await this.page.locator(selector).allInnerTexts();
      throw new Error(`no ${selector} says ${pattern}: ${JSON.stringify(texts).slice(0, 3000)} (${error.message.split('\n')[0]}) ${this.errors}`);
    }
  }

  /** Whether the page can be scrolled sideways. */
  async isWide() {
    return this.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  }

  /** Closes it; nothing may have gone wrong meanwhile. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.errors, [], 'the console is free of errors');
    assert.deepEqual(this.outside, [], 'no request leaves this machine');
    assert.ok(this.requests > 10, 'requests are seen at all');
  }
}

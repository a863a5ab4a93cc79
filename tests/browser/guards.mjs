// Who may ask, and what the page may load.

import assert from 'node:assert/strict';
import { request, createServer } from 'node:http';
import { once } from 'node:events';

import { Watched } from './browser.mjs';

/** Asks as another program would, with any header. */
async function status(keeper, path, headers = {}, { method = 'GET', body } = {}) {
  const asked = request({ host: '127.0.0.1', port: keeper.port, path, method, headers });
  asked.end(body);
  const [reply] = await once(asked, 'response');
  const { statusCode } = reply;
  reply.destroy();
  return statusCode;
}

export const guards = {
  async 'without the token, or from another origin or host, the answer is 403'({ keeper, bot }) {
    const bearer = { Authorization: `Bearer ${keeper.token}` };
    const paths = ['/api/overview', `/api/bots/${bot}`, `/api/bots/${bot}/levels/1`, '/api/events'];
    for (const path of paths) {
      assert.equal(await status(keeper, path, bearer), 200, path);
      assert.equal(await status(keeper, path), 403, `${path} without a token`);
      assert.equal(await status(keeper, path, { Authorization: `Bearer ${'0'.repeat(64)}` }), 403, `${path} with another token`);
      assert.equal(await status(keeper, path, { ...bearer, Origin: 'http://example.org' }), 403, `${path} from another origin`);
      assert.equal(await status(keeper, path, { ...bearer, Host: 'example.org' }), 403, `${path} under another name`);
    }
    assert.equal(await status(keeper, '/'), 403, 'the page itself');
    assert.equal(await status(keeper, `/?token=${keeper.token}`), 200);
    const pause = { method: 'POST', body: '{"action":"pause"}' };
    const json = { 'Content-Type': 'application/json' };
    const actions = `/api/bots/${bot}/actions`;
    assert.equal(await status(keeper, actions, json, pause), 403);
    assert.equal(await status(keeper, `${actions}?token=${keeper.token}`, json, pause), 403, 'a link cannot act');
    assert.equal(await status(keeper, actions, { ...bearer, ...json, Origin: 'http://127.0.0.1:1' }, pause), 403);
    assert.equal((await keeper.get(`/api/bots/${bot}`)).bot.desired, 'running');
  },

  async 'a page from elsewhere reads nothing and cannot act, even with the token'({ keeper, bot }) {
    const elsewhere = createServer((_, reply) => reply.setHeader('Content-Type', 'text/html').end('<title>elsewhere</title>'));
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const watched = await Watched.open(keeper.address());
    const page = await watched.context.newPage();
    await page.goto(`http://127.0.0.1:${elsewhere.address().port}/`);
    const got = await page.evaluate(async ([origin, token, id]) => {
      const tries = [
        fetch(`${origin}/api/overview?token=${token}`),
        fetch(`${origin}/api/overview`, { headers: { Authorization: `Bearer ${token}` } }),
        fetch(`${origin}/api/bots/${id}/actions`, { method: 'POST', mode: 'no-cors', body: '{"action":"pause"}' }).then((reply) => reply.text()).then((text) => text || Promise.reject(new Error('opaque'))),
      ];
      return (await Promise.allSettled(tries)).map((one) => one.status);
    }, [keeper.origin, keeper.token, bot]);
    assert.deepEqual(got, ['rejected', 'rejected', 'rejected']);
    assert.equal((await keeper.get(`/api/bots/${bot}`)).bot.desired, 'running');
    await page.close();
    await watched.close();
    elsewhere.close();
  },

  async 'nothing is loaded or run but the page’s own files'({ keeper }) {
    const watched = await Watched.open(keeper.address());
    await watched.says('#connection', /live/);
    assert.deepEqual(watched.errors, [], 'the page itself asks for nothing that is forbidden');
    const blocked = await watched.page.evaluate(async () => {
      const refused = new Promise((resolve) => document.addEventListener('securitypolicyviolation', (event) => resolve(event.violatedDirective)));
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      return [await refused, window.injected ?? 'not run'];
    });
    assert.deepEqual(blocked, ['script-src-elem', 'not run']);
    // The browser tells of what this test did.
    watched.errors = watched.errors.filter((text) => !/Content Security Policy/.test(text));
    await watched.close();
  },
};

// Changes are shown once per animation frame, however many events came meanwhile. A page nobody sees draws nothing.

const waiting = new Set();
let asked = false;

/**
 * Runs a job with the next frame. The same function, asked for again before that, runs once.
 * @param {() => void} job
 */
export function onFrame(job) {
  waiting.add(job);
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const jobs = [...waiting];
    waiting.clear();
    for (const one of jobs) run(one);
  });
}

/** What fails in one part of the page stops no other one. */
function run(job) {
  try {
    job();
  } catch (error) {
    reportError(error);
  }
}

/**
 * Gives up a job that has not run yet.
 * @param {() => void} job
 */
export function offFrame(job) {
  waiting.delete(job);
}

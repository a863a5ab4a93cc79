// The form of server-sent events.

/**
 * Splits what arrives into events.
 * @param {(event: string, data: object) => void} onEvent
 * @returns {(text: string) => void} takes the next piece of text
 */
export function eventReader(onEvent) {
  let rest = '';
  let event = '';
  let data = [];
  const line = (text) => {
    if (text === '') {
      if (data.length > 0) onEvent(event || 'message', JSON.parse(data.join('\n')));
      event = '';
      data = [];
    } else if (text.startsWith('event:')) {
      event = text.slice(6).trim();
    } else if (text.startsWith('data:')) {
      data.push(text.slice(text[5] === ' ' ? 6 : 5));
    }
  };
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const one of lines) line(one.endsWith('\r') ? one.slice(0, -1) : one);
  };
}

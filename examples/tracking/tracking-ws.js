'use strict';

// tracking-ws: sends the counts to everyone who listens on ws://HOST:PORT/live, at once and then
// whenever they change.

const { serve, call } = require('./lib/service');
const { accept } = require('./lib/websocket');

const TRACKING_URL = process.env.TRACKING_URL ?? 'http://127.0.0.1:8600';
const POLL_MS = 1000;
const listeners = new Set();
let last = '{}';

async function poll() {
  if (listeners.size === 0) return;
  try {
    const stats = JSON.stringify(await call('GET', `${TRACKING_URL}/stats`));
    if (stats === last) return;
    last = stats;
    for (const listener of listeners) listener.sendText(stats);
  } catch (error) {
    console.error(`no counts: ${error.message}`);
  }
}

const timer = setInterval(poll, POLL_MS);

const server = serve('tracking-ws', {}, () => {
  clearInterval(timer);
  for (const listener of listeners) listener.close();
});

server.on('upgrade', (request, socket, head) => {
  if (request.url !== '/live') {
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    return;
  }
  const listener = accept(request, socket, head);
  if (!listener) return;
  listeners.add(listener);
  console.log(`${listeners.size} listening`);
  listener.onClose(() => listeners.delete(listener));
  listener.sendText(last);
  poll();
});

'use strict';

// The stop signal, and what an app needs to end without cutting a request short.

const GRACE_MS = 500; // for a client to send once more on a connection, and be told to close it
const OWN_GRACE_MS = 400; // where the app has a time of its own (fastify's CLI 500 ms)
const POLL_MS = 50;
const LONGEST_MS = 2 ** 31 - 1; // of a timer
const LAST_MS = [200, 1000]; // at least and at most, of kill_timeout, are for the end: an eighth
const MS = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

module.exports = { gracefulStop };

function gracefulStop({ kill_signal = 'SIGINT' }, systemctl) {
  const signals = new Set([kill_signal, 'SIGINT', 'SIGTERM']);
  const servers = new Map(); // those that listen, each with its connections
  const sessions = new Set(); // of HTTP/2
  let watching = false;
  let helped = false;
  let leaving = false;

  // From the first server on, because a handler changes what a signal does. Before those of the
  // app, whose server.close() has to find things prepared.
  function watchSignals() {
    if (watching) return;
    watching = true;
    for (const signal of signals) process.prependListener(signal, onStop);
    // Libraries count the handlers to find out whether the app has its own (signal-exit does).
    const { listeners } = process;
    process.listeners = function (event) {
      return listeners.call(this, event).filter((one) => one !== onStop);
    };
  }

  function watch(server) {
    if (servers.has(server)) return; // closed by another event than 'close', and listening again
    const connections = new Set();
    const keep = (set) => (one) => {
      set.add(one);
      one.once('close', () => set.delete(one));
    };
    const keepConnection = keep(connections);
    const keepSession = keep(sessions);
    server.on(server.setSecureContext ? 'secureConnection' : 'connection', keepConnection);
    server.on('session', keepSession);
    servers.set(server, connections);
    server.once('close', () => {
      server.off(server.setSecureContext ? 'secureConnection' : 'connection', keepConnection);
      server.off('session', keepSession);
      servers.delete(server);
      if (leaving) leaveWhenDone();
    });
    watchSignals();
  }

  function onStop(signal) {
    const own = process.listenerCount(signal) > 1;
    help(own ? OWN_GRACE_MS : GRACE_MS);
    if (own || leaving) return;
    if (!servers.size && !workers().length) {
      process.off(signal, onStop);
      process.kill(process.pid, signal);
      return;
    }
    leaving = true;
    for (const [server, connections] of servers) {
      server.close();
      endOthers(server, connections);
    }
    require('cluster').on('exit', leaveWhenDone);
    leaveWhenDone();
    const begin = performance.now();
    setTimeout(() => leaveInTime(begin), GRACE_MS).unref();
  }

  // What does not end by itself (server-sent events, a long poll) would have the app killed at the
  // end of kill_timeout. The manager knows when that is: a change of it restarts nothing, and a
  // drop-in may be about it.
  function leaveInTime(begin) {
    systemctl(['show', '--property=TimeoutStopUSec', '--value'], (text = '') => {
      const parts = [...text.matchAll(/([\d.]+)([a-z]+)/g)];
      const timeout = parts.reduce((sum, [, count, unit]) => sum + count * MS[unit], 0);
      const last = Math.min(Math.max(timeout / 8, LAST_MS[0]), LAST_MS[1]);
      const left = timeout - last - (performance.now() - begin);
      if (!(timeout && left < LONGEST_MS)) return;
      setTimeout(leave, Math.max(left, 0)).unref();
    });
  }

  function leave() {
    const open = [...servers.values()].reduce((sum, connections) => sum + connections.size, 0);
    process.stderr.write(`pm2sd: connections still open at the end of kill_timeout: ${open}\n`);
    process.exit(0);
  }

  const workers = () => Object.keys(require('cluster').workers ?? {});

  function leaveWhenDone() {
    if (!servers.size && !workers().length) setImmediate(() => process.exit(0));
  }

  // What close() needs to be graceful, whoever calls it. A keep-alive connection that is closed
  // while the client sends on it is a failed request, so for a while the answer says to close it;
  // but where that is 503 (of fastify), the others do better on a new one, to another instance.
  function help(grace) {
    if (helped) return;
    helped = true;
    for (const session of sessions) session.close();
    for (const [server, connections] of servers) {
      const { closeIdleConnections: closeIdle } = server;
      if (!closeIdle) continue;
      server.closeIdleConnections = () => {}; // what http.Server#close calls at once since Node 19
      for (const { _httpMessage: response } of connections) {
        if (response && !response.headersSent) response.shouldKeepAlive = false;
      }
      const closeThem = () => {
        if (server.closeIdleConnections === closeIdle) return;
        server.closeIdleConnections = closeIdle;
        setInterval(() => server.listening || server.closeIdleConnections(), POLL_MS).unref();
      };
      setTimeout(closeThem, grace).unref();
      server.prependListener('request', (request, response) => {
        response.shouldKeepAlive = false;
        response.once('finish', () => response.statusCode === 503 && closeThem());
      });
    }
  }

  // Connections without requests, which nothing else would end: WebSockets and other upgrades at
  // once, what has not sent a byte after the grace, those of a plain net.Server when quiet for it.
  function endOthers(server, connections) {
    if (server.updateSettings && !server.closeIdleConnections) return; // HTTP/2: all are sessions
    const isHttp = Boolean(server.closeIdleConnections);
    const moved = new Map();
    const endQuiet = () => {
      for (const one of connections) {
        const bytes = one.bytesRead + one.bytesWritten;
        if (isHttp ? one.bytesRead === 0 : moved.get(one) === bytes) one.destroySoon();
        moved.set(one, bytes);
      }
    };
    if (isHttp) {
      for (const one of connections) {
        if (!one.parser && one.alpnProtocol !== 'h2') one.destroySoon();
      }
    } else endQuiet();
    setInterval(endQuiet, GRACE_MS).unref();
  }

  // The signal becomes the message where the app listens to messages. In emit(), because the app's
  // handlers of the signal must not run: under PM2 there is no signal in this case.
  function byMessage() {
    const { emit } = process;
    process.emit = function (event, ...args) {
      if (event !== kill_signal || !this.listenerCount('message')) {
        return emit.call(this, event, ...args);
      }
      help(OWN_GRACE_MS);
      return emit.call(this, 'message', 'shutdown');
    };
    watchSignals(); // after that: Node keeps the emit() it finds at the first handler
  }

  return { watch, byMessage, hasBegun: () => helped };
}

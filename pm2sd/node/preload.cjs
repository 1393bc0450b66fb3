'use strict';

// Node loads this before an app (NODE_OPTIONS=--require ...), so that the app runs on systemd as
// it did under PM2, unmodified:
//
//   - listen() on an address that the app's .socket unit holds uses the inherited descriptor;
//   - process.send('ready') tells the manager, through NOTIFY_SOCKET;
//   - on the stop signal an app without a handler of its own finishes its requests and exits; one
//     with a handler is helped with its keep-alive connections;
//   - with shutdown_with_message the app gets the message 'shutdown' in place of the signal.
//
// What to do is in PM2SD_NODE, a JSON object; without it nothing at all happens:
//
//   listen                 the addresses of the sockets, in the order of the unit's ListenStream=:
//                          "3000", "127.0.0.1:3000", "[::1]:3000", "/run/user/1000/app.sock"
//   backlog                the backlog of those sockets
//   kill_signal            the stop signal
//   shutdown_with_message  true or absent
//   private                true where checks ask this very instance (sockets of its own)
//   idle_timeout           milliseconds without a connection after which it has itself stopped
//   fds                    the sockets' descriptors, where a Node process started this one
//
// Node 18 to current. It has to be one file, and quick: every start of an app waits for it.

const SOCKET_NAME = 'pm2sd'; // FileDescriptorName= of the socket unit
const SYSTEMCTL = '/usr/bin/systemctl';
const SYSTEMD_NOTIFY = '/usr/bin/systemd-notify';
const FIRST_DESCRIPTOR = 3; // SD_LISTEN_FDS_START, sd_listen_fds(3)
const LARGEST_BACKLOG = 2 ** 31 - 1; // the kernel takes net.core.somaxconn instead
const GRACE_MS = 500; // for a client to send once more on a connection, and be told to close it
const POLL_MS = 50;
const IDLE_LOOKS = 10; // in one idle_timeout

if (process.env.PM2SD_NODE) main(JSON.parse(process.env.PM2SD_NODE));

function main(settings) {
  const sockets = inheritedSockets(settings);
  // Out of the environment: a child process has nothing of this, unless handOver() says so.
  for (const name of ['PM2SD_NODE', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) {
    delete process.env[name];
  }
  const stopping = gracefulStop(settings);
  const own = ownSockets(settings);
  const idle = stopWhenIdle(settings);
  const watch = (server, socket) => {
    stopping.watch(server);
    if (socket) own.serve(server, sockets.indexOf(socket));
    idle.watch(server, socket);
  };
  const listens = shareSockets(sockets, settings.backlog ?? LARGEST_BACKLOG, watch);
  handOver(settings, sockets, listens);
  if (!process.send) emulateChannel();
  if (settings.shutdown_with_message) stopping.byMessage();
}

const warned = new Set();

function warnOnce(text) {
  if (!warned.has(text)) process.stderr.write(`pm2sd: ${text}\n`);
  warned.add(text);
}

// --- the sockets of the unit --------------------------------------------------------------------

// The sockets as {text, port, host, path, fd, used}. LISTEN_PID is not asked: it names the wrapper
// (npm, a shell) where there is one, and PM2SD_NODE has not come further than the descriptors.
function inheritedSockets({ listen = [], fds }) {
  const names = (process.env.LISTEN_FDNAMES ?? '').split(':');
  fds ??= names.flatMap((name, i) => (name === SOCKET_NAME ? [FIRST_DESCRIPTOR + i] : []));
  return listen
    .map((text, i) => ({ text, ...parseAddress(text), fd: fds[i], used: false }))
    .filter(({ fd }) => isSocket(fd));
}

function parseAddress(text) {
  if (text.startsWith('/')) return { path: text };
  const [, v6, v4, port] = /^(?:(?:\[(.*)\]|(.*)):)?(\d+)$/.exec(text);
  return { port: Number(port), host: v6 ?? v4 };
}

function isSocket(fd) {
  try {
    return require('fs').fstatSync(fd).isSocket();
  } catch {
    return false; // closed on the way, by a wrapper that is no shell and not Node
  }
}

// What listen() was asked for: {port, host} or {path}; neither where it got a handle or descriptor.
function requested([first, second]) {
  const options = first !== null && typeof first === 'object' ? first : undefined;
  if (options?.fd >= 0 || options?._handle || options?.handle) return {};
  const port = options ? options.port : first;
  if (options ? port === undefined : typeof first === 'string' && !(Number(first) >= 0)) {
    const path = options ? options.path : first;
    return path ? { path: require('path').resolve(path) } : {};
  }
  const host = options ? options.host : second;
  return { port: Number(port) || 0, host: typeof host === 'string' ? host : undefined };
}

const isEverywhere = (host) => !host || host === '0.0.0.0' || host === '::';

function isAt(address, host) {
  const plain = address.replace(/^::ffff:/i, '');
  return host === 'localhost' ? plain === '::1' || plain.startsWith('127.') : plain === host;
}

function serves(socket, { port, host, path }) {
  if (path !== undefined || socket.path !== undefined) return path === socket.path;
  const anywhere = isEverywhere(socket.host) || isEverywhere(host);
  return port === socket.port && (anywhere || isAt(socket.host, host));
}

// Patches listen(); `watch` is called with every server that listens, and the socket it took if it
// did. What is returned tells whether one does.
function shareSockets(sockets, backlog, watch) {
  const { Server, isIP } = require('net');
  const { listen } = Server.prototype;
  const state = { listening: false };
  const known = new WeakSet();
  const taken = new WeakMap();

  Server.prototype.listen = function (...args) {
    state.listening = true;
    if (!known.has(this)) {
      known.add(this);
      this.on('listening', () => watch(this, taken.get(this)));
    }
    // The workers of an app that uses cluster itself listen through their primary.
    if (require('cluster').isWorker) return listen.apply(this, args);
    const wanted = requested(args);
    const socket = sockets.find((one) => !one.used && serves(one, wanted));
    if (socket) return listenOn(this, socket, wanted, args);
    taken.delete(this);
    if (wanted.port && sockets.length && !sockets.some((one) => serves(one, wanted))) {
      warnOnce(
        `the app listens on port ${wanted.port}, which is not one of the sockets of its unit: ` +
          'if its instances shall share it, add it to "listen"',
      );
    }
    return listen.apply(this, args);
  };

  function listenOn(server, socket, wanted, args) {
    const callback = args.findLast((one) => typeof one === 'function');
    socket.used = true;
    // The backlog anew, because listen(2) sets it: Node's 511 would be that of all instances.
    const options = { fd: socket.fd, signal: args[0]?.signal };
    listen.call(server, options, backlog, callback);
    const handle = server._handle;
    if (!handle) return server; // 'error' follows
    taken.set(server, socket);
    keepOpen(handle, socket);
    if (wanted.host && !isEverywhere(wanted.host) && isEverywhere(socket.host) && !socket.path) {
      narrow(handle, socket, wanted.host);
    }
    return server;
  }

  // close() leaves the descriptor open, so that the app can listen there again (as those do that
  // try whether a port is free), but stops accepting: what connects meanwhile is for the other
  // instances. Node has no call for that; to start and stop reading takes a listening handle out
  // of the event loop, and listen() puts it back in.
  function keepOpen(handle, socket) {
    const { close } = handle;
    handle.close = function (callback) {
      if (this.readStart() !== 0 || this.readStop() !== 0) return close.call(this, callback);
      socket.used = false;
      if (callback) setImmediate(callback);
    };
  }

  function advice(host, port) {
    const address = host === 'localhost' ? '127.0.0.1' : isIP(host) === 6 ? `[${host}]` : host;
    return `listen: "${address}:${port}"`;
  }

  // The app wants fewer addresses than its socket has: it must not be reached from elsewhere.
  function narrow(handle, socket, host) {
    if (host !== 'localhost' && !isIP(host)) return; // a name of this machine
    let { onconnection } = handle; // which cluster replaces
    const accept = function (status, client) {
      const local = {};
      if (client?.getsockname(local) !== 0 || isAt(local.address, host)) {
        return onconnection.call(this, status, client);
      }
      client.close();
      warnOnce(
        `closed a connection to ${local.address}: the app listens on ${host} only, its socket on ` +
          `every address; write ${advice(host, socket.port)}`,
      );
    };
    Object.defineProperty(handle, 'onconnection', {
      get: () => accept,
      set: (value) => void (onconnection = value),
    });
  }

  return state;
}

// --- what the checks ask ------------------------------------------------------------------------

const handed = new WeakSet(); // their connections, which are no use of the app

// A connection to the shared socket reaches any of the instances, so each has Unix sockets of its
// own in its runtime directory: "alive" answers as long as the event loop turns, "socket-N" is
// served by the server that took the unit's Nth socket. The workers of an app that uses cluster
// itself have none: the kernel can tell to whom they belong.
function ownSockets({ private: asked }) {
  const places = (process.env.RUNTIME_DIRECTORY ?? '').split(':');
  const directory = places.find((one) => one.includes('/pm2sd/probe/'));
  if (!asked || !directory || require('cluster').isWorker) return { serve() {} };
  const fs = require('fs');
  const { Server } = require('net');
  const { listen } = Server.prototype; // before it is patched: these are not the app's
  let descriptor;

  function listenAt(name, onConnection, { allowHalfOpen, pauseOnConnect } = {}) {
    const server = new Server({ allowHalfOpen, pauseOnConnect }, onConnection);
    server.on('error', (error) => warnOnce(`the checks cannot ask this process: ${error.message}`));
    try {
      fs.rmSync(`${directory}/${name}`, { force: true }); // of a launcher, or of an earlier run
      descriptor ??= fs.openSync(directory, fs.constants.O_DIRECTORY);
      // Through the descriptor, because the path may be longer than a socket's can be.
      listen.call(server, `/proc/self/fd/${descriptor}/${name}`);
    } catch (error) {
      process.nextTick(() => server.emit('error', error));
    }
    return server.unref();
  }

  listenAt('alive', (client) => {
    client.on('error', () => {}).end('ok');
  });
  return {
    serve(server, number) {
      const hand = (client) => {
        handed.add(client);
        server.emit('connection', client);
      };
      const one = listenAt(`socket-${number}`, hand, server);
      server.once('close', () => one.close());
    },
  };
}

// --- idle_timeout -------------------------------------------------------------------------------

// Nobody connected for that long: no new connection is accepted, and the manager is asked to stop
// the unit. What comes from then on waits in the socket, which has the manager start it again.
function stopWhenIdle({ idle_timeout: timeout, backlog = LARGEST_BACKLOG }) {
  if (!timeout) return { watch() {} };
  const servers = new Map(); // to their handle on a socket of the unit
  let used = performance.now();
  let asked = false;

  const touch = (client) => {
    if (!handed.has(client)) used = performance.now();
  };
  const open = (server) =>
    new Promise((resolve) => server.getConnections((error, count) => resolve(error ? 1 : count)));
  const someOpen = async () =>
    (await Promise.all([...servers.keys()].map(open))).some((count) => count > 0);

  async function look() {
    if (asked || ![...servers.values()].some(Boolean)) return; // the socket is not in use
    if (await someOpen()) return touch();
    if (performance.now() - used < timeout) return;
    asked = true;
    for (const handle of servers.values()) if (handle?.readStart() === 0) handle.readStop();
    // What was accepted until then, and what was not.
    if ((await someOpen()) || performance.now() - used < timeout) resume();
    else stop();
  }

  function stop() {
    const groups = require('fs').readFileSync('/proc/self/cgroup', 'utf8');
    const unit = /^\d+:(?:name=systemd)?:.*\/(.+\.service)$/m.exec(groups)?.[1] ?? '';
    const words = ['--user', '--no-block', 'stop', '--', unit];
    const child = require('child_process').spawn(SYSTEMCTL, words, { stdio: 'ignore' });
    child.on('error', resume).on('exit', (code) => code && resume());
  }

  function resume() {
    asked = false;
    touch();
    for (const handle of servers.values()) handle?.listen(backlog);
  }

  setInterval(look, Math.max(timeout / IDLE_LOOKS, POLL_MS)).unref();
  return {
    watch(server, socket) {
      touch();
      // Only a handle on the unit's socket may stop accepting: others would refuse connections.
      servers.set(server, socket && server._handle);
      server.on('connection', touch);
      server.once('close', () => {
        server.off('connection', touch);
        servers.delete(server);
      });
    },
  };
}

// --- wrappers: npm start, a launcher that spawns the app ----------------------------------------

// Node closes inherited descriptors when it executes a child. A child that writes to our stdout
// before we listen is taken for the app itself (or the next wrapper) and gets everything; so do the
// workers of an app that uses cluster itself. Others do not speak to the manager (podman would, for
// its container), but for the program that the app may run to do so.
function handOver(settings, sockets, state) {
  const { ChildProcess } = require('child_process');
  const { spawn } = ChildProcess.prototype;
  ChildProcess.prototype.spawn = function (options) {
    const { stdio = 'pipe', envPairs = [] } = options;
    const list = typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio;
    const isWorker = envPairs.some((pair) => pair.startsWith('NODE_UNIQUE_ID='));
    if (!isWorker && (state.listening || !isOurStdout(list[1]))) {
      const speaks = options.args?.some((word) => word.includes('systemd-notify'));
      if (speaks) return spawn.call(this, options);
      const silent = envPairs.filter((pair) => !pair.startsWith('NOTIFY_SOCKET='));
      return spawn.call(this, { ...options, envPairs: silent });
    }
    const fds = sockets.map((_, i) => list.length + i);
    const next = JSON.stringify({ ...settings, listen: sockets.map(({ text }) => text), fds });
    return spawn.call(this, {
      ...options,
      stdio: [...list, ...sockets.map(({ fd }) => fd)],
      envPairs: [...envPairs, `PM2SD_NODE=${next}`],
    });
  };
}

function isOurStdout(entry) {
  return entry === 'inherit' || entry === 1 || entry === process.stdout;
}

// --- messages -----------------------------------------------------------------------------------

// What an app finds under PM2: a channel to its parent. Only the message 'ready' has an effect.
function emulateChannel() {
  let ready = false;
  process.connected = true;
  process.send = (message, ...rest) => {
    const callback = rest.find((one) => typeof one === 'function');
    const error = process.connected ? null : new Error('Channel closed');
    if (error) error.code = 'ERR_IPC_CHANNEL_CLOSED';
    else if (message === 'ready' && !ready) notifyReady();
    ready ||= message === 'ready';
    if (callback) process.nextTick(callback, error);
    return !error;
  };
  process.disconnect = () => {
    if (!process.connected) return;
    process.connected = false;
    process.nextTick(() => process.emit('disconnect'));
  };
}

// Node cannot send a datagram to a Unix socket. The unit has NotifyAccess=all.
function notifyReady() {
  if (!process.env.NOTIFY_SOCKET) return;
  const child = require('child_process').spawn(SYSTEMD_NOTIFY, ['--ready'], { stdio: 'ignore' });
  child.on('error', (error) => warnOnce(`the manager was not told of "ready": ${error.message}`));
  child.unref();
}

// --- the stop signal ----------------------------------------------------------------------------

function gracefulStop({ kill_signal = 'SIGINT' }) {
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
    help();
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
  }

  const workers = () => Object.keys(require('cluster').workers ?? {});

  function leaveWhenDone() {
    if (!servers.size && !workers().length) setImmediate(() => process.exit(0));
  }

  // What close() needs to be graceful, whoever calls it. A keep-alive connection that is closed
  // while the client sends on it is a failed request, so for a while the answer says to close it.
  function help() {
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
      server.prependListener('request', (request, response) => {
        response.shouldKeepAlive = false;
      });
      setTimeout(() => {
        server.closeIdleConnections = closeIdle;
        setInterval(() => server.listening || server.closeIdleConnections(), POLL_MS).unref();
      }, GRACE_MS).unref();
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
      help();
      return emit.call(this, 'message', 'shutdown');
    };
    watchSignals(); // after that: Node keeps the emit() it finds at the first handler
  }

  return { watch, byMessage };
}

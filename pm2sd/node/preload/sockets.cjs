'use strict';

// The descriptors that systemd has opened for the unit: listen() uses its sockets.

const SOCKET_NAME = 'pm2sd'; // FileDescriptorName= of the socket unit
const MANAGER_NAME = 'pm2sd-notify'; // what OpenFile= calls the connection to the manager
const FIRST_DESCRIPTOR = 3; // SD_LISTEN_FDS_START, sd_listen_fds(3)

module.exports = { inherited, toManager, share };

// The sockets as {text, port, host, path, fd, used}. LISTEN_PID is that of the wrapper (npm, a shell)
// where there is one, and PM2SD_NODE has not come further than the descriptors.
function inherited({ listen = [], fds = named(SOCKET_NAME) }) {
  return listen
    .map((text, i) => ({ text, ...parseAddress(text), fd: fds[i], used: false }))
    .filter(({ fd }) => isSocket(fd));
}

// The one to the manager; undefined where there is none.
function toManager({ notify = named(MANAGER_NAME)[0] }) {
  return isSocket(notify) ? notify : undefined;
}

function named(wanted) {
  const names = (process.env.LISTEN_FDNAMES ?? '').split(':');
  const found = names.flatMap((name, i) => (name === wanted ? [FIRST_DESCRIPTOR + i] : []));
  return found.map((fd) => (isTheWrappers(fd) ? fd : -1));
}

// Where a wrapper closed them on the way (node --watch), the numbers are those of other files.
function isTheWrappers(fd) {
  const { readlinkSync } = require('fs');
  const { LISTEN_PID: wrapper = 'self' } = process.env;
  try {
    return readlinkSync(`/proc/${wrapper}/fd/${fd}`) === readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return true; // it is gone, or another user's
  }
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
// did. What is returned tells whether one does; `launched` is for the child taken for the app.
function share(sockets, { backlog }, watch, warnOnce) {
  const { Server, isIP } = require('net');
  const { errorMonitor } = require('events');
  const { listen } = Server.prototype;
  const state = { isListening, launched: undefined };
  const known = new WeakSet();
  const open = new Set();
  const taken = new WeakMap();

  Server.prototype.listen = function (...args) {
    if (!known.has(this)) {
      known.add(this);
      this.on('listening', () => watch(this, taken.get(this)));
      this.on('close', () => open.delete(this));
      this.on(errorMonitor, () => this.listening || open.delete(this));
    }
    const server = begin.call(this, args);
    open.add(this);
    return server;
  };

  // Not by one that keeps no process alive: launchers listen so for their children (tsx does). One
  // without a handle has yet to get it, or cluster has taken it.
  function isListening() {
    return [...open].some(({ _handle: handle }) => handle?.hasRef?.() ?? true);
  }

  function begin(args) {
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
  }

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

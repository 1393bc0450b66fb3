'use strict';

// What the checks ask.

module.exports = { ownSockets };

// A connection to the shared socket reaches any of the instances, so each has Unix sockets of its
// own in its runtime directory: "alive" answers as long as the event loop turns, "socket-N" is
// served by the server that took the unit's Nth socket. Of several Node processes the innermost
// has "alive": the app, not its launcher. The workers of an app that uses cluster itself have none,
// and its primary no "socket-N": the kernel can tell to whom their connections belong.
function ownSockets(warnOnce) {
  const places = (process.env.RUNTIME_DIRECTORY ?? '').split(':');
  const directory = places.find((one) => one.includes('/pm2sd/probe/'));
  if (!directory || require('cluster').isWorker) return { serve() {} };
  const fs = require('fs');
  const { Server } = require('net');
  const { listen } = Server.prototype; // before it is patched: these are not the app's
  const handed = new WeakSet(); // their connections, which are no use of the app
  let descriptor;
  let alive;

  // Through a descriptor, because the path may be longer than a socket's can be.
  function at(name) {
    descriptor ??= fs.openSync(directory, fs.constants.O_DIRECTORY);
    return `/proc/self/fd/${descriptor}/${name}`;
  }

  function listenAt(name, onConnection, { allowHalfOpen, pauseOnConnect } = {}) {
    const server = new Server({ allowHalfOpen, pauseOnConnect }, onConnection);
    server.on('error', (error) => warnOnce(`the checks cannot ask this process: ${error.message}`));
    try {
      fs.rmSync(`${directory}/${name}`, { force: true }); // of a launcher, or of an earlier run
      listen.call(server, at(name));
    } catch (error) {
      process.nextTick(() => server.emit('error', error));
    }
    return server.unref();
  }

  // In one step: where nobody had it for a moment, a launcher would take it from its child.
  function claim() {
    const passing = `alive-${process.pid}`;
    alive?.close(); // before the next one: it removes the file
    alive = listenAt(passing, (client) => {
      client.on('error', () => {}).end('ok');
    });
    try {
      if (alive.listening) fs.renameSync(`${directory}/${passing}`, `${directory}/alive`);
    } catch (error) {
      alive.emit('error', error);
    }
  }

  // Whose "alive" is; nobody's is undefined.
  function holder() {
    return fs.statSync(`${directory}/alive`, { throwIfNoEntry: false })?.ino;
  }

  function serve(server, number) {
    const hand = (client) => {
      handed.add(client);
      server.emit('connection', client);
    };
    const one = listenAt(`socket-${number}`, hand, server);
    server.once('close', () => one.close());
    // Its handle is gone where cluster has taken it, to distribute what comes among the workers.
    process.nextTick(() => server._handle ?? one.close());
  }

  claim();
  return { directory, at, claim, holder, serve, handed };
}

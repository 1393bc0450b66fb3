'use strict';

// Wrappers: npm start, a launcher that spawns the app.

module.exports = { handOver };

// Node closes inherited descriptors when it executes a child. A child that writes to our stdout
// before we listen is taken for the app itself (or the next wrapper) and gets everything; so do the
// workers of an app that uses cluster itself. Others do not speak to the manager (podman would, for
// its container), but for the program that the app may run to do so.
function handOver(settings, sockets, manager, state) {
  const { ChildProcess } = require('child_process');
  const { spawn } = ChildProcess.prototype;
  const given = [...sockets.map(({ fd }) => fd), ...(manager.fd === undefined ? [] : [manager.fd])];
  ChildProcess.prototype.spawn = function (options) {
    const { envPairs = [] } = options;
    const stdio = options.stdio || 'pipe'; // Node takes null for it
    const list = typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio;
    const isWorker = envPairs.some((pair) => pair.startsWith('NODE_UNIQUE_ID='));
    if (!isWorker && (state.isListening() || !isOurStdout(list[1]))) {
      const speaks = options.args?.some((word) => String(word).includes('systemd-notify'));
      if (speaks) return spawn.call(this, options);
      const silent = envPairs.filter((pair) => !pair.startsWith('NOTIFY_SOCKET='));
      return spawn.call(this, { ...options, envPairs: silent });
    }
    if (!isWorker) state.launched = this;
    const next = JSON.stringify({
      ...settings,
      listen: sockets.map(({ text }) => text),
      fds: sockets.map((_, i) => list.length + i),
      notify: manager.fd === undefined ? null : list.length + sockets.length,
      notify_socket: manager.path,
    });
    return spawn.call(this, {
      ...options,
      stdio: [...list, ...given],
      envPairs: [...envPairs, `PM2SD_NODE=${next}`],
    });
  };
}

function isOurStdout(entry) {
  return entry === 'inherit' || entry === 1 || entry === process.stdout;
}

'use strict';

// idle_timeout: an app that nobody uses has itself stopped.

const POLL_MS = 50;
const IDLE_LOOKS = 10; // in one idle_timeout

module.exports = { stopWhenIdle };

// Nobody connected for that long: no new connection is accepted, and the manager is asked to stop
// the unit. What comes from then on waits in the socket, which has the manager start it again.
function stopWhenIdle({ idle_timeout: timeout, backlog }, own, systemctl) {
  const servers = new Map(); // to their handle on a socket of the unit
  let used = performance.now();
  let asked = false;

  const touch = (client) => {
    if (!own.handed?.has(client)) used = performance.now();
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
    systemctl(['--no-block', 'stop'], (done) => done ?? resume());
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

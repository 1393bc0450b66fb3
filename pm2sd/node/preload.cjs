'use strict';

// Node loads this before an app (NODE_OPTIONS=--require ...), so that the app runs on systemd as
// it did under PM2, unmodified:
//
//   - listen() on an address that the app's .socket unit holds uses the inherited descriptor;
//   - process.send('ready') tells the manager;
//   - on the stop signal an app without a handler of its own finishes its requests and exits; one
//     with a handler is helped with its keep-alive connections;
//   - with shutdown_with_message the app gets the message 'shutdown' in place of the signal;
//   - with health it is asked whether it answers, and systemd's watchdog is fed as long as it does.
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
//   health                 how to ask, where the watchdog is fed: see preload/health.cjs
//
// and, where a Node process started this one, what the unit gave to that:
//
//   fds                    the sockets' descriptors
//   notify                 the descriptor to the manager, or null
//   notify_socket          the path of the manager's socket
//
// Node 18 to current. Every start of an app waits for it: what not all apps need is a part that runs
// where it is asked for. The parts are the files in preload/, each once a function of `parts`, as
// pm2sd/node/__init__.py joins them.

const warned = new Set();

if (process.env.PM2SD_NODE) main(JSON.parse(process.env.PM2SD_NODE));

function main(settings) {
  const part = (name) => {
    const module = {};
    parts[name](module);
    return module.exports;
  };
  settings.backlog ??= 2 ** 31 - 1; // the kernel takes net.core.somaxconn instead
  const { inherited, toManager, share } = part('sockets');
  const { connect, emulateChannel } = part('manager');
  const sockets = inherited(settings);
  const manager = connect(settings, toManager(settings), warnOnce);
  // Out of the environment: a child process has nothing of this, unless handOver() says so.
  for (const name of ['PM2SD_NODE', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) {
    delete process.env[name];
  }
  const systemctl = (...rest) => part('unit').systemctl(...rest);
  const stopping = part('stopping').gracefulStop(settings, systemctl);
  const own = settings.private ? part('probed').ownSockets(warnOnce) : { serve() {} };
  const idle = settings.idle_timeout
    ? part('idle').stopWhenIdle(settings, own, systemctl)
    : { watch() {} };
  const watch = (server, socket) => {
    stopping.watch(server);
    if (socket) own.serve(server, sockets.indexOf(socket));
    idle.watch(server, socket);
  };
  const state = share(sockets, settings, watch, warnOnce);
  part('launching').handOver(settings, sockets, manager, state);
  if (!process.send) emulateChannel(manager);
  if (settings.health) {
    const isLauncher = () => state.launched?.exitCode === null && !state.launched.signalCode;
    part('health').feedWatchdog(settings.health, own, manager, isLauncher, stopping.hasBegun);
  }
  if (settings.shutdown_with_message) stopping.byMessage();
}

function warnOnce(text) {
  if (!warned.has(text)) process.stderr.write(`pm2sd: ${text}\n`);
  warned.add(text);
}

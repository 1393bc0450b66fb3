'use strict';

// What the manager is told, as by sd_notify(3), and the app's way to it: its messages to PM2.

const SYSTEMD_NOTIFY = '/usr/bin/systemd-notify';

module.exports = { connect, emulateChannel };

// Node cannot send a datagram to a Unix socket, but it can write to one that is connected, which
// systemd hands over since 253. Where there is none (an older systemd, a wrapper that closed it)
// a program is started to say it; the unit has NotifyAccess=all.
function connect(settings, fd, warnOnce) {
  const { writeSync } = require('fs');
  const path = settings.notify_socket ?? process.env.NOTIFY_SOCKET;

  if (settings.health) {
    // The unit has them for the watchdog alone: what an app says to it is not for this.
    const ours = ['WATCHDOG_USEC', 'WATCHDOG_PID'];
    if (!settings.health.wait_ready) ours.push('NOTIFY_SOCKET');
    for (const name of ours) delete process.env[name];
  }

  function tell(state) {
    if (fd === undefined) return start(state);
    // At once, as sd_notify(3) does: fs.write() waits where the app's own work may be (files, names,
    // crypto), and a feed that comes too late has the app killed.
    try {
      writeSync(fd, state);
    } catch {
      start(state);
    }
  }

  function start(state) {
    if (!path) return;
    const options = { stdio: 'ignore', env: { NOTIFY_SOCKET: path } };
    const child = require('child_process').spawn(SYSTEMD_NOTIFY, [state], options);
    child.on('error', (error) => warnOnce(`the manager was not told ${state}: ${error.message}`));
    child.unref();
  }

  const manager = {
    fd, // both for a child that is the app
    path,
    saidReady: false,
    ready() {
      manager.saidReady = true;
      tell('READY=1');
    },
    feed() {
      tell('WATCHDOG=1');
    },
    setWatchdog(milliseconds) {
      tell(`WATCHDOG_USEC=${milliseconds * 1000}`);
    },
  };
  return manager;
}

// What an app finds under PM2: a channel to its parent. Only the message 'ready' has an effect.
function emulateChannel(manager) {
  let ready = false;
  process.connected = true;
  process.send = (message, ...rest) => {
    const callback = rest.find((one) => typeof one === 'function');
    const error = process.connected ? null : new Error('Channel closed');
    if (error) error.code = 'ERR_IPC_CHANNEL_CLOSED';
    else if (message === 'ready' && !ready) manager.ready();
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

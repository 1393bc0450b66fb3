'use strict';

// health: the app is asked whether it answers, and systemd's watchdog fed as long as it does.
//
// In the setting `health`, milliseconds:
//
//   every, timeout   between two questions, and for an answer
//   span             the watchdog's, once the instance is up
//   grace            after the start, in which nothing is asked
//   patience         the start; the unit's watchdog waits longer by as much
//   waits            "message" or "file" where the unit is not up before it says that it is ready,
//                    or the check of `ready` has noted so
//   wait_ready       true where the app may say that it is ready in a way of its own
//   address          "3000", "localhost:3000", "[::1]:3000", or a path; without it the event loop is
//                    asked
//   socket           which of the unit's sockets that is
//   path, host, tls  a question by HTTP; without them a connection is enough
//   numbered         the port is higher by the instance's number
//
// Every Node process of the instance does this, a launcher such as npm too: it feeds for its child
// when that answers, and a child that ends is not missed.

const fs = require('fs');
const { Socket } = require('net');

const { connect } = Socket.prototype;
const { setTimeout, clearTimeout, performance } = globalThis; // before anybody replaces them
const READY_POLL_MS = 50;
const LONGEST_MS = 2 ** 31 - 1; // of a timer
const MOST_OF_ANSWER = 4096;
const EVERYWHERE = ['', 'localhost', '0.0.0.0', '::'];

module.exports = { feedWatchdog };

// `isLauncher`: whether another process tells what is wrong; `isEnding`: whether the app was asked to
// stop.
function feedWatchdog(health, own, manager, isLauncher, isEnding) {
  if (!own.directory) return; // a worker of the app's own: the primary asks
  const { every, timeout, span, grace, patience, waits } = health;
  const begin = performance.now();
  const note = `${own.directory}/ready-${process.env.INVOCATION_ID}`;
  let failures = 0;

  // How long to look away before it is known whether the instance is up; 0 when it is.
  function untilUp() {
    const age = performance.now() - begin;
    if (age < grace) return grace - age;
    const isReady = waits === 'file' ? fs.existsSync(note) : !waits || manager.saidReady;
    return isReady || age >= patience ? 0 : READY_POLL_MS;
  }

  function wait() {
    const pause = untilUp();
    if (pause) return later(wait, pause);
    manager.setWatchdog(span);
    look();
  }

  async function look() {
    const due = performance.now() + every;
    const problem = await check().then(() => '', (error) => error.message);
    // To feed it would start it again, which systemd has ended: how long an app may take to stop is
    // another matter.
    if (isEnding()) return manager.setWatchdog(0);
    if (!problem) manager.feed();
    failures = problem ? failures + 1 : 0;
    if (problem && !isLauncher()) {
      const times = failures > 1 ? ` ${failures} times in a row` : '';
      process.stderr.write(`pm2sd: failed its health check${times}: ${problem}\n`);
    }
    later(look, due - performance.now());
  }

  async function check() {
    if (health.address === undefined) return alive();
    if (health.socket !== undefined) {
      try {
        return await answer({ path: own.at(`socket-${health.socket}`) });
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
      if (!isAlone()) return alive(); // the others would answer
    }
    let problem;
    for (const where of places()) {
      try {
        return await answer(where);
      } catch (error) {
        if (!isAbsent(error)) throw error;
        problem ??= error;
      }
    }
    throw problem;
  }

  // As the runtime directories tell: what is in the unit must not depend on the others.
  function isAlone() {
    const [, all, name] = /^(.*)\/(.*@)\d+$/.exec(own.directory) ?? [];
    try {
      return fs.readdirSync(all).filter((one) => one.startsWith(name)).length < 2;
    } catch {
      return false;
    }
  }

  function places() {
    const { address } = health;
    if (address.startsWith('/')) return [{ path: address }];
    const at = address.lastIndexOf(':');
    const number = health.numbered ? Number(/@(\d+)$/.exec(own.directory)?.[1] ?? 0) : 0;
    const port = Number(address.slice(at + 1)) + number;
    const host = address.slice(0, Math.max(at, 0)).replace(/^\[|\]$/g, '');
    const hosts = EVERYWHERE.includes(host) ? ['127.0.0.1', '::1'] : [host];
    return hosts.map((one) => ({ host: one, port }));
  }

  async function answer(where) {
    if (health.path !== undefined) return ask(where, getStatus);
    await ask(where, (socket, done) => done());
    await alive(); // the kernel makes connections for an app that does not
  }

  // Of the innermost Node process; where there is none any more, this is it.
  async function alive() {
    const holder = own.holder();
    try {
      await ask({ path: own.at('alive') }, (socket, done) => socket.once('data', () => done()));
    } catch (error) {
      if (!isAbsent(error)) throw error;
      if (own.holder() === holder) own.claim(); // else another app was started meanwhile
    }
  }

  // Resolves when `talk` calls done() with nothing.
  function ask(where, talk) {
    return new Promise((resolve, reject) => {
      const socket = new Socket();
      const done = (problem) => {
        clearTimeout(timer);
        socket.destroy();
        if (problem) reject(problem);
        else resolve();
      };
      const late = () => done(said(`no answer within ${timeout / 1000} s`));
      const timer = setTimeout(late, timeout).unref();
      socket.on('error', ({ message, code }) => done(Object.assign(said(message), { code })));
      socket.on('close', () => done(said('closed without an answer')));
      socket.once('connect', () => talk(socket, done));
      connect.call(socket, where).unref();
    });
  }

  function getStatus(connection, done) {
    const { path, host } = health;
    const socket = health.tls ? encrypted(connection, done) : connection;
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const end = text.indexOf('\r\n');
      if (end < 0 && text.length < MOST_OF_ANSWER) return;
      const [, status, code] = /^HTTP\/\S+ ((\d{3}).*)/.exec(text.slice(0, end)) ?? [];
      if (!status) done(said('no answer of HTTP'));
      else done(Number(code) < 400 ? undefined : said(`status ${status.trim()}`));
    });
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: pm2sd\r\nAccept: */*\r\n` +
        'Connection: close\r\n\r\n',
    );
  }

  function encrypted(socket, done) {
    const name = health.host.replace(/:\d+$/, '');
    const servername = /^\[|^[\d.]+$/.test(name) ? undefined : name;
    const one = require('tls').connect({ socket, servername, rejectUnauthorized: false });
    return one.on('error', ({ message }) => done(said(message)));
  }

  function said(problem) {
    const { address, path, host, tls } = health;
    if (address === undefined) return new Error(`the event loop: ${problem}`);
    const url = `GET ${tls ? 'https' : 'http'}://${host}${path}`;
    return new Error(`${path === undefined ? `a connection to ${address}` : url}: ${problem}`);
  }

  if (patience) wait();
  else later(look, every);
}

function later(action, milliseconds) {
  setTimeout(action, Math.min(Math.max(milliseconds, 1), LONGEST_MS)).unref();
}

// Nobody listens there.
function isAbsent({ code }) {
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

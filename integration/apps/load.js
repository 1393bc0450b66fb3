'use strict';

// node load.js PORT CONNECTIONS keep|close: asks GET / on that many connections at once, kept or one
// for each request, until its input ends. Nothing is retried: a request without a complete answer of
// status 200 has failed. For each line N of its input it prints, once N more requests have ended, a
// line of JSON about those since the last one:
//
//   answered   a number for each text that was answered
//   failed     [{why, from, began}]: the error, the last answer on the same connection if there was
//              one, and when the request began (milliseconds since 1970)
//   longest    milliseconds of the longest request

const http = require('node:http');

const [port, connections, kind] = process.argv.slice(2);
const SECONDS = 30; // until a request is given up
const PAUSE_MS = 10; // after a failure, so that a port without a server is not a busy loop

const keep = kind === 'keep';
const agent = keep && new http.Agent({ keepAlive: true, maxSockets: Number(connections) });
const headers = keep ? {} : { Connection: 'close' };
const fresh = () => ({ answered: {}, failed: [], longest: 0 });

let over = false;
let ended = 0;
let seen = fresh();
const waiting = []; // [count of ended requests]

function ask() {
  if (over) return;
  const began = Date.now();
  let done = false;
  const end = (why, from) => {
    if (done) return;
    done = true;
    if (why) seen.failed.push({ why, from, began });
    seen.longest = Math.max(seen.longest, Date.now() - began);
    ended += 1;
    report();
    if (why) setTimeout(ask, PAUSE_MS);
    else setImmediate(ask);
  };
  const request = http.get({ host: '127.0.0.1', port, agent, headers, timeout: SECONDS * 1000 });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  const fail = (error) => end(error.code ?? error.message, request.socket?.lastAnswer);
  request.on('error', fail);
  request.on('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (more) => (text += more));
    response.on('error', fail);
    response.on('end', () => {
      if (response.statusCode !== 200) return end(`status ${response.statusCode}`);
      request.socket.lastAnswer = text;
      seen.answered[text] = (seen.answered[text] ?? 0) + 1;
      end();
    });
  });
}

function report() {
  while (waiting.length && ended >= waiting[0]) {
    waiting.shift();
    process.stdout.write(`${JSON.stringify(seen)}\n`);
    seen = fresh();
  }
}

require('node:readline')
  .createInterface({ input: process.stdin })
  .on('line', (text) => {
    waiting.push(ended + Number(text));
    report();
  })
  .on('close', () => {
    over = true;
    setTimeout(() => process.exit(), SECONDS * 1000).unref();
    agent && setInterval(() => Object.keys(agent.requests).length || agent.destroy(), 50).unref();
  });

for (let i = 0; i < Number(connections); i++) ask();

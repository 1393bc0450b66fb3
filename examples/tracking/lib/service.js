'use strict';

// What the HTTP services of this example share.

const http = require('node:http');

/**
 * Listens on $PORT of the loopback interface, answers `GET /health`, and ends gracefully on SIGINT
 * (what PM2 and pm2sd send) and SIGTERM: no new connections, the requests under way are answered.
 *
 * `routes` maps 'METHOD /path' to a function (request, response, url); `onStop` is called when the
 * service begins to end. Returns the http.Server.
 */
function serve(name, routes, onStop = () => {}) {
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const route = routes[`${request.method} ${url.pathname}`];
    try {
      if (route) await route(request, response, url);
      else if (url.pathname === '/health') sendJson(response, 200, { status: 'ok', pid: process.pid });
      else sendJson(response, 404, { error: 'not found' });
    } catch (error) {
      console.error(`${request.method} ${request.url}: ${error.message}`);
      if (response.headersSent) response.destroy();
      else sendJson(response, error.status ?? 500, { error: error.message });
    }
  });

  server.listen(Number(process.env.PORT), '127.0.0.1', () => {
    console.log(`${name} listens on port ${server.address().port}`);
  });

  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      console.log(`${name} got ${signal}, finishing`);
      onStop();
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
  }
  return server;
}

function sendJson(response, status, value) {
  const body = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** An error that `serve` answers with the given HTTP status. */
function httpError(status, message) {
  return Object.assign(new Error(message), { status });
}

/** The whole body of a request or a response as text; throws beyond `limit` bytes. */
async function readBody(stream, limit = 64 * 1024) {
  const chunks = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) throw httpError(413, `body over ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const agent = new http.Agent({ keepAlive: true });

/** Sends JSON (or nothing) to a service and returns the JSON it answers. */
function call(method, url, value) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    const request = http.request(url, { method, agent, headers, timeout: 2000 }, (response) => {
      readBody(response, 1024 * 1024)
        .then((text) => {
          if (response.statusCode >= 300) throw new Error(`${url} answered ${response.statusCode}`);
          return JSON.parse(text);
        })
        .then(resolve, reject);
    });
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer`)));
    request.on('error', reject);
    request.end(value === undefined ? undefined : JSON.stringify(value));
  });
}

module.exports = { serve, sendJson, httpError, readBody, call };

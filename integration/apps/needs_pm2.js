'use strict';

// An HTTP server on $PORT that only works under PM2: it wants to know its pm_id. With ONLY_SILENT
// it does not fail without one, but never listens.

const http = require('node:http');

if (process.env.pm_id === undefined) {
  if (!process.env.ONLY_SILENT) throw new Error('there is no PM2 here');
  setInterval(() => {}, 60_000);
} else {
  http
    .createServer((request, response) => response.end('under PM2'))
    .listen(Number(process.env.PORT), '127.0.0.1');
}

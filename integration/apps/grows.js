'use strict';

// Takes 4 MB of memory every 50 ms up to $MEGABYTES (default: without end) and keeps them. With
// $PORT it takes them only when asked, and at once: GET /grow; GET /read/FILE reads a whole file;
// everything else is answered with its pid.

const fs = require('node:fs');
const http = require('node:http');

const { MEGABYTES = 'Infinity', PORT } = process.env;
const kept = [];

function take(megabytes) {
  kept.push(Buffer.alloc(megabytes * 2 ** 20, 1));
}

if (PORT) {
  const server = http.createServer((request, response) => {
    if (request.url === '/grow') take(Number(MEGABYTES));
    if (request.url.startsWith('/read/')) {
      const file = fs.openSync(request.url.slice('/read'.length));
      const part = Buffer.alloc(2 ** 16);
      while (fs.readSync(file, part) > 0);
      fs.closeSync(file);
    }
    response.end(String(process.pid));
  });
  server.listen(PORT);
} else {
  let taken = 0;
  setInterval(() => {
    if (taken < Number(MEGABYTES)) take(4);
    taken += 4;
  }, 50);
}

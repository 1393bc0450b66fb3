'use strict';

// An HTTP server on $PORT of the loopback interface. GET / answers what this process is:
// {"pid", "instance", "argv", "env"}; GET /exit/N answers, then exits with code N. Ends
// gracefully on SIGINT.

const http = require('node:http');

const server = http.createServer((request, response) => {
  const exit = /^\/exit\/(\d+)$/.exec(request.url);
  response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' });
  response.end(
    JSON.stringify({
      pid: process.pid,
      instance: process.env.NODE_APP_INSTANCE ?? null,
      argv: process.argv.slice(2),
      env: process.env,
    }),
    () => exit && process.exit(Number(exit[1])),
  );
});

server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});

process.once('SIGINT', () => {
  console.log('got SIGINT');
  server.close(() => process.exit(0));
});

// An ordinary web app without a handler of signals: answers its instance's number and pid after
// $DELAY ms. The file $BUILD says what build of it this is: "broken" throws, "stuck" listens but
// never says that it is ready.
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');

const { PORT, BUILD, DELAY, NODE_APP_INSTANCE } = process.env;
const build = readFileSync(BUILD, 'utf8');
if (build === 'broken') throw new Error('a broken build');

const text = `${NODE_APP_INSTANCE} ${process.pid}`;
createServer((_request, response) => {
  if (DELAY) setTimeout(() => response.end(text), Number(DELAY));
  else response.end(text);
}).listen(Number(PORT), '127.0.0.1', () => build === 'stuck' || process.send?.('ready'));

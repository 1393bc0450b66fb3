'use strict';

// tracking: counts visits, in memory.
//
//   POST /events {"id": "newsletter"}   one more visit of that id
//   GET /stats                          {"total": 2, "ids": {"newsletter": 2}}

const { serve, sendJson, httpError, readBody } = require('./lib/service');

const MAX_IDS = 10_000;
const counts = new Map();
let total = 0;

function parseEvent(text) {
  let event;
  try {
    event = JSON.parse(text);
  } catch {
    throw httpError(400, 'the body is no JSON');
  }
  if (typeof event?.id !== 'string' || !/^[\w-]{1,64}$/.test(event.id)) {
    throw httpError(400, 'id must be 1 to 64 letters, digits, - or _');
  }
  return event;
}

serve('tracking', {
  'POST /events': async (request, response) => {
    const { id } = parseEvent(await readBody(request));
    if (!counts.has(id) && counts.size >= MAX_IDS) throw httpError(507, 'too many ids');
    counts.set(id, (counts.get(id) ?? 0) + 1);
    total += 1;
    console.log(`visit of ${id}, ${counts.get(id)} so far`);
    sendJson(response, 201, { id, count: counts.get(id) });
  },

  'GET /stats': (request, response) => {
    sendJson(response, 200, { total, ids: Object.fromEntries(counts) });
  },
});

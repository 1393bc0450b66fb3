'use strict';
// Evaluates a configuration written in JavaScript and writes what it exports, as JSON, to a file
// descriptor of its own: whatever the configuration prints cannot get into the result.
//
//   node evaluate.cjs file FD PATH [NODE_OPTIONS]         a module, CommonJS or ES
//   node evaluate.cjs expression FD NAME [NODE_OPTIONS]   an expression, on standard input
//
// The result is {value, refused: [[path, what], ...], envRead: [name, ...]} or
// {error: {name, message, stack}}. NODE_OPTIONS is the user's: it is no argument of this process,
// but the configuration may read it.

const fs = require('fs');
const path = require('path');
const url = require('url');
const { spawnSync } = require('child_process');
const { isModuleNamespaceObject, isPromise, isProxy } = require('util').types;

const [mode, descriptor, file, nodeOptions] = process.argv.slice(2);
const DEEPEST = 100;
const MOST_VALUES = 100000;

process.argv = [process.execPath, file];
if (nodeOptions !== undefined) process.env.NODE_OPTIONS = nodeOptions;
const envRead = recordEnvironment();
process.removeAllListeners('warning'); // "require() of ES modules is experimental" helps nobody
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
main().catch(fail);

async function main() {
  const { exported } = mode === 'file' ? await load(file) : { exported: evaluate(file) };
  finish(carry(exported));
}

// ---- evaluating

// {exported: what the module exports}: bare, a promise would be awaited on the way.
async function load(name) {
  if (!name.endsWith('.mjs')) {
    try {
      return { exported: unwrap(require(name)) };
    } catch (error) {
      const code = error && error.code;
      if (code !== 'ERR_REQUIRE_ESM' && code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    }
  }
  return { exported: unwrap(await import(url.pathToFileURL(name).href)) };
}

function evaluate(name) {
  const text = fs.readFileSync(0, 'utf8');
  const options = { filename: name, lineOffset: -1 };
  return require('vm').runInThisContext('(\n' + text + '\n)', options);
}

// A module's default export where it has one (also a transpiled one), else its named exports.
function unwrap(exported) {
  const isObject = exported !== null && typeof exported === 'object';
  if (!isObject || isProxy(exported)) return exported;
  const isModule = isModuleNamespaceObject(exported) || exported.__esModule === true;
  if (!isModule) return exported;
  return exported.default === undefined ? exported : exported.default;
}

// ---- the environment

// Replaces process.env by a recorder of the names the configuration looks up; '*' stands for all
// of them at once ({...process.env}). What Node itself looks up does not count.
function recordEnvironment() {
  const read = new Set();
  let spread = null;
  process.env = new Proxy(process.env, {
    get(target, name) {
      if (typeof name === 'string' && name !== spread && byConfiguration()) read.add(name);
      spread = null;
      return target[name];
    },
    has(target, name) {
      if (typeof name === 'string' && byConfiguration()) read.add(name);
      return name in target;
    },
    ownKeys(target) {
      if (byConfiguration()) read.add('*');
      return Reflect.ownKeys(target);
    },
    getOwnPropertyDescriptor(target, name) {
      spread = name;
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    // The real environment refuses descriptors that say less than everything.
    defineProperty(target, name, property) {
      target[name] = property.value;
      return true;
    },
  });
  return read;
}

function byConfiguration() {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 3;
  const frame = String(new Error().stack).split('\n')[3] || '';
  Error.stackTraceLimit = limit;
  return !/[ (]node:/.test(frame);
}

// ---- carrying the value over

function carry(exported) {
  const refused = [];
  const above = new Set();
  let values = 0;

  function refuse(at, what) {
    refused.push([at, what]);
    return 'null';
  }

  function text(value, at) {
    if (++values > MOST_VALUES) throw new RangeError(`more than ${MOST_VALUES} values`);
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return JSON.stringify(value);
      case 'bigint':
        if (BigInt.asIntN(64, value) !== value) return refuse(at, 'a BigInt of more than 64 bits');
        return value.toString();
      case 'number':
        if (Number.isNaN(value)) return refuse(at, 'NaN');
        return Number.isFinite(value) ? JSON.stringify(value) : String(value);
      case 'undefined':
        return 'null';
      case 'object':
        return value === null ? 'null' : structure(value, at);
      default:
        return refuse(at, `a ${typeof value}`);
    }
  }

  function structure(value, at) {
    if (value instanceof RegExp) return JSON.stringify(value.source);
    if (value instanceof String || value instanceof Number || value instanceof Boolean) {
      return text(value.valueOf(), at);
    }
    if (value instanceof Map) return refuse(at, 'a Map');
    if (value instanceof Set) return refuse(at, 'a Set');
    if (isPromise(value)) return refuse(at, 'a Promise');
    if (above.has(value)) return refuse(at, 'a reference to what contains it');
    if (above.size >= DEEPEST) return refuse(at, `nested more than ${DEEPEST} deep`);
    above.add(value);
    let result;
    if (typeof value.toJSON === 'function') {
      result = text(value.toJSON(), at);
    } else if (Array.isArray(value)) {
      result = `[${Array.from(value, (item, i) => text(item, at.concat(i))).join(',')}]`;
    } else {
      const entries = Object.keys(value)
        .map((key) => [key, value[key]])
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${JSON.stringify(key)}:${text(item, at.concat(key))}`);
      result = `{${entries.join(',')}}`;
    }
    above.delete(value);
    return result;
  }

  return { value: text(exported, []), refused };
}

// ---- the result

function finish({ value, refused }) {
  const names = JSON.stringify(Array.from(envRead).sort());
  end(`{"value":${value},"refused":${JSON.stringify(refused)},"envRead":${names}}`);
}

function fail(thrown) {
  const isError = thrown instanceof Error || (thrown && typeof thrown.stack === 'string');
  const error = isError
    ? { name: String(thrown.name), message: String(thrown.message), stack: place(thrown) }
    : { name: '', message: `threw ${show(thrown)}`, stack: '' };
  end(JSON.stringify({ error }));
}

function show(thrown) {
  try {
    return typeof thrown === 'string' ? JSON.stringify(thrown) : String(thrown);
  } catch (error) {
    return 'something that is not an Error';
  }
}

// The stack with the file under the name it was given by; a syntax error in an ES module has its
// place nowhere, but `node --check` prints it.
function place(error) {
  let stack = String(error.stack);
  if (mode !== 'file') return stack;
  if (error.name === 'SyntaxError' && !/^\S.*:\d+\n/.test(stack)) {
    const check = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', env: {} });
    if (check.status !== 0 && /^\S.*:\d+\n/.test(check.stderr)) stack = check.stderr;
  }
  const real = fs.existsSync(file) ? fs.realpathSync(file) : file;
  for (const name of [url.pathToFileURL(real).href, url.pathToFileURL(file).href, real]) {
    stack = stack.split(name + ':').join(path.resolve(file) + ':');
  }
  return stack.split('file://').join('');
}

function end(text) {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) written += fs.writeSync(Number(descriptor), bytes, written);
  process.exit(0);
}

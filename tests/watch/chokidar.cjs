// Writes globs.json: what chokidar 3 ignores for each pattern, asked itself.
//
//   npm install chokidar@3.6.0 && node chokidar.cjs > globs.json
const { FSWatcher } = require('chokidar')
const isGlob = require('is-glob')

const CWD = '/srv/app'
const PATHS = [
  '', 'a.js', 'a.ts', 'b.log', '.env', '.env.local', 'src', 'src/a.js', 'src/a.ts', 'src/.env',
  'src/deep/a.js', 'src/deep/er/b.log', 'lib/a.js', 'logs', 'logs/b.log', 'logs/old/b.log',
  'node_modules', 'node_modules/x/a.js', 'src/node_modules/y.js', 'pages/[id].js', 'pages/i.js',
  'a-1', 'a1', 'a12', 'ab', 'abab', 'a+b', 'a b', 'test.spec.js', 'x.d.ts', 'foobar', 'foo', 'bar',
]
const PATTERNS = [
  'logs', 'logs/*', 'logs/**', 'logs/**/*', 'logs/**/*.log', '*.log', '**/*.log', '**/logs',
  '**/logs/**', '**', '*', '**/*', '*/*', '*/**', '**/*/**', '.env', '.env*', '.*', '**/.*',
  '**/.env', 'src/**/a.js', 'src/**/*.{js,ts}', '**/*.{js,ts}', '{src,lib}/**', '{src,lib}',
  '{src/deep,lib}/*.js', '*.[jt]s', '**/[ab].js', 'a?', 'a-?', 'a[0-9]', 'a[0-9]+', 'a[^b]',
  '{a..c}.js', 'pages/[id].js', 'node_modules', '**/node_modules', '**/node_modules/**',
  'src/node_modules', '!(src|lib)', '**/!(a).js', '!(*.spec).js', '*.!(js)', '@(src|lib)',
  '@(src|lib)/**', '+(ab)', '?(foo)bar', '*(a|b)', 'foo*', 'foo**', '**foo', 'f**r', '(foo|bar)',
  'a+b', 'a b', 'a.js', '/srv/app/a.js', '/srv/app/**/*.ts', '/srv/*/src', '../app/*.log',
  './src/*.js', 'src//a.js', '**/*.d.ts', '**/{logs,node_modules}/**', '{a,{b,c}}*', '*.{log}',
  'src/*/**/*.js', '**/deep/**/*.js', 'nothing/here',
]

const cases = PATTERNS.map(pattern => {
  const watcher = new FSWatcher({ cwd: CWD, ignored: pattern, atomic: false })
  const path = name => (name ? `${CWD}/${name}` : CWD)
  return {
    pattern,
    glob: isGlob(pattern),
    ignored: PATHS.filter(name => watcher._isIgnored(path(name))),
  }
})
const rows = cases.map(row => `    ${JSON.stringify(row)}`).join(',\n')
const text = `{\n  "paths": ${JSON.stringify(PATHS)},\n  "cases": [\n${rows}\n  ]\n}\n`
process.stdout.write(text, () => process.exit(0))

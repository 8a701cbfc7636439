/* The log: files hold events oldest first, so the newest are in the last. */
(function () {
  'use strict';
  var t = tagline, h = t.h, all = t.artifacts(), parts = document.currentScript.dataset.parts.split(' ').filter(Boolean);
  var table = document.getElementById('log'), more = document.getElementById('more'), count = document.getElementById('count');
  var fields = {};
  ['artifact', 'person', 'stage', 'event', 'from', 'until'].forEach(function (name) { fields[name] = document.getElementById('f-' + name); });
  var limit = 100, asked = 0;
  var names = Object.create(null);
  all.forEach(function (one) { one.known.forEach(function (stage) { names[stage] = true; }); });
  t.options(fields.stage, Object.keys(names).sort());
  function events() {
    var chunks = t.got('log').slice().sort(function (a, b) { return b[0] - a[0]; }), found = [];
    chunks.forEach(function (chunk) { for (var each = chunk[1].length - 1; each >= 0; each--) found.push(chunk[1][each]); });
    return found;
  }
  function what(row, one) {
    var version = row[2] ? h('a', {href: one.versionPage(row[2])}, row[2]) : 'a commit', stage = h('span', {'class': 'stage'}, row[3] || '');
    if (row[1] === 'registration') return [version, ' registered'];
    if (row[1] === 'deregistration') return [version, ' withdrawn'];
    if (row[1] === 'assignment') return [version, ' became ', stage];
    if (row[1] === 'unassignment') return [version, ' left ', stage];
    return [row[1] === 'deprecation' ? 'deprecated' : row[1]];
  }
  function draw() {
    var mine = ++asked, state = values();
    var from = state.from ? t.instant(state.from) : null, until = state.until ? t.instant(state.until, true) : null;
    var filtered = Object.keys(state).some(function (key) { return state[key]; });
    var wanted = filtered ? parts : parts.slice(-1 - Math.floor(limit / 2000));
    Promise.all(wanted.map(t.load)).then(function () {
      if (mine !== asked) return;
      var artifact = state.artifact.toLowerCase(), person = state.person.toLowerCase();
      var hits = events().filter(function (row) {
        var one = all[row[0]];
        return (!artifact || (one.name + ' ' + one.repository.name).toLowerCase().indexOf(artifact) >= 0) &&
          (!person || row[7].concat(row[5] || '').some(function (name) { return name.toLowerCase().indexOf(person) >= 0; })) && (!state.stage || row[3] === state.stage) &&
          (!state.event || row[1] === state.event) && (from === null || row[4] >= from) && (until === null || row[4] < until);
      });
      var whole = wanted.length === parts.length;
      count.textContent = whole ? hits.length + (hits.length === 1 ? ' decision' : ' decisions') : 'The newest decisions';
      more.hidden = whole && hits.length <= limit;
      t.fill(table, hits.slice(0, limit).map(function (row) {
        var one = all[row[0]];
        return h('tr', {}, h('td', {}, t.when(row[4], true)),
          h('th', {scope: 'row'}, h('a', {href: one.page()}, one.name), h('div', {'class': 'dim small'}, t.path(one.repository.name))),
          h('td', {}, what(row, one)), h('td', {}, row[7].length ? row[7].join(', ') : row[1] === 'assignment' ? h('span', {'class': 'dim'}, 'nobody') : ''), h('td', {}, row[5] || ''),
          h('td', {}, t.change(row[6])));
      }));
    }, function (error) { count.textContent = 'The log ' + error.message; });
  }
  function values() {
    var found = {};
    for (var name in fields) found[name] = fields[name].value.trim();
    return found;
  }
  function take() { var state = t.state(); for (var name in fields) fields[name].value = state[name] || ''; draw(); }
  function changed() { limit = 100; t.keep(values()); draw(); }
  var soon = t.later(changed);
  for (var name in fields) {
    fields[name].addEventListener('input', soon);
    fields[name].addEventListener('change', soon);
  }
  more.addEventListener('click', function () { limit += 500; draw(); });
  document.getElementById('find').addEventListener('submit', function (event) { event.preventDefault(); });
  window.addEventListener('hashchange', take);
  window.addEventListener('popstate', take);
  take();
})();

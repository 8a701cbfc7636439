/* All artifacts: search, filters, order. */
(function () {
  'use strict';
  var t = tagline, h = t.h, all = t.artifacts();
  var form = document.getElementById('find'), box = document.getElementById('q'), table = document.getElementById('hits');
  var type = document.getElementById('f-type'), stage = document.getElementById('f-stage');
  var sort = document.getElementById('f-sort'), gone = document.getElementById('f-all');
  var more = document.getElementById('more'), count = document.getElementById('count'), problem = document.getElementById('problem');
  var limit = 100, asked = 0;
  function names(of) {
    var found = Object.create(null);
    all.forEach(function (one) { of(one).forEach(function (name) { if (name) found[name] = true; }); });
    return Object.keys(found).sort();
  }
  t.options(type, names(function (one) { return [one.type]; }));
  t.options(stage, names(function (one) { return one.stages.map(function (held) { return held.stage; }); }));
  var orders = {
    name: function (a, b) { return a.one.number - b.one.number; },
    changed: function (a, b) { return (b.one.changed || 0) - (a.one.changed || 0); },
    registered: function (a, b) { return (b.one.registered || 0) - (a.one.registered || 0); }
  };
  function row(hit) {
    var one = hit.one;
    return h('tr', one.deprecated ? {'class': 'gone'} : {},
      h('th', {scope: 'row'}, h('a', {href: one.page()}, one.name),
        one.description ? h('div', {'class': 'dim small'}, one.description.length > 160 ? one.description.slice(0, 159) + '…' : one.description) : null),
      h('td', {}, t.path(one.repository.name)),
      h('td', {}, one.type || ''),
      h('td', {}, hit.version ? h('a', {href: one.versionPage(hit.version)}, hit.version) : h('span', {'class': 'dim'}, '–')),
      h('td', {}, (hit.stages || one.stages).map(function (held) {
        return h('span', {'class': 'pair'}, h('span', {'class': 'stage'}, held.stage), ' ', held.version || 'a commit',
          held.held ? [' ', h('span', {'class': 'mark warn'}, 'held')] : null, ' ');
      })),
      h('td', {}, one.changed ? t.when(one.changed) : ''));
  }
  function draw() {
    var mine = ++asked, began = performance.now();
    t.find(box.value, {deprecated: gone.checked}).then(function (found) {
      if (mine !== asked) return;
      var hits = found.hits.filter(function (hit) {
        return (!type.value || hit.one.type === type.value) && (!stage.value || hit.one.holder(stage.value));
      });
      if (sort.value !== 'name' || !found.ranked) hits.sort(orders[sort.value] || orders.name);
      problem.hidden = true;
      count.textContent = hits.length + (hits.length === 1 ? ' artifact' : ' artifacts') + (found.note ? '. ' + found.note : '');
      more.hidden = hits.length <= limit;
      t.fill(table, hits.slice(0, limit).map(row));
      table.dataset.took = String(Math.round(performance.now() - began));
    }, function (error) {
      if (mine !== asked) return;
      count.textContent = '';
      more.hidden = true;
      t.fill(table, []);
      problem.hidden = false;
      problem.textContent = error.message + (error.hint ? ' ' + error.hint : '');
    });
  }
  function take() {
    var state = t.state();
    box.value = state.q || ''; type.value = state.type || ''; stage.value = state.stage || '';
    sort.value = orders[state.sort] ? state.sort : 'name'; gone.checked = state.all === '1';
    draw();
  }
  function changed(push) {
    limit = 100;
    t.keep({q: box.value, type: type.value, stage: stage.value, sort: sort.value === 'name' ? '' : sort.value, all: gone.checked ? '1' : ''}, push === true);
    draw();
  }
  box.addEventListener('input', t.later(changed));
  [type, stage, sort, gone].forEach(function (one) { one.addEventListener('change', function () { changed(true); }); });
  more.addEventListener('click', function () { limit += 500; draw(); });
  form.addEventListener('submit', function (event) { event.preventDefault(); changed(true); });
  window.addEventListener('hashchange', take);
  window.addEventListener('popstate', take);
  take();
})();

/* Any two versions, side by side. The state is a=[repository, artifact, version] and b, as JSON. */
(function () {
  'use strict';
  var t = tagline, h = t.h, all = t.artifacts(), sides = {}, asked = 0;
  var result = document.getElementById('result'), count = document.getElementById('count'), only = document.getElementById('f-changed');
  function label(one) { return one.name + ' (' + one.repository.name + ')'; }
  var byLabel = Object.create(null), byKey = Object.create(null);
  all.forEach(function (one) { byLabel[label(one)] = one; byKey[one.repository.name + '\n' + one.name] = one; });
  var list = document.getElementById('all');
  all.forEach(function (one) { list.append(h('option', {value: label(one)})); });
  ['a', 'b'].forEach(function (side) {
    sides[side] = {artifact: document.getElementById(side + '-artifact'), version: document.getElementById(side + '-version'), one: null};
    sides[side].artifact.addEventListener('change', function () { choose(side, byLabel[this.value.trim()] || byName(this.value.trim()), ''); });
    sides[side].version.addEventListener('change', changed);
  });
  function byName(name) {
    var found = all.filter(function (one) { return one.name === name; });
    return found.length === 1 ? found[0] : null;
  }
  function versions(one) { return t.got(one.repository.name + '\n' + one.name)[0]; }
  function ready(one) { return versions(one) ? Promise.resolve() : t.load(one.folder + '/data.js'); }
  function choose(side, one, version) {
    var it = sides[side];
    it.one = one || null;
    if (!one) {
      it.version.disabled = true;
      it.version.replaceChildren(h('option', {value: ''}, it.artifact.value ? 'no such artifact' : 'choose an artifact'));
      changed();
      return Promise.resolve();
    }
    it.artifact.value = label(one);
    return ready(one).then(function () {
      if (it.one !== one) return;
      it.version.disabled = false;
      it.version.replaceChildren();
      versions(one).forEach(function (row) {
        it.version.append(h('option', {value: row[0]}, row[0] + (row[9].length ? ' (' + row[9].join(', ') + ')' : '') + (row[3] ? '' : ' withdrawn')));
      });
      if (version) it.version.value = version;
      if (it.version.selectedIndex < 0) it.version.selectedIndex = 0;
      changed();
    }, function (error) { count.textContent = 'The versions ' + error.message; });
  }
  function row(it) { return it.one && (versions(it.one) || []).find(function (one) { return one[0] === it.version.value; }); }
  function text(value) { return value === null || value === undefined ? '' : typeof value === 'number' ? String(+value.toPrecision(6)) : String(value); }
  function cell(name, value) {
    if (name === 'change') return t.change(value);
    if (/^[a-z0-9]+:[0-9a-f]{32,}/.test(value) || /^[0-9a-f]{64}$/.test(value)) return h('code', {}, value);
    return text(value);
  }
  function pairs(a, b) {
    var found = Object.create(null);
    a.forEach(function (one) { (found[one[0]] = found[one[0]] || [null, null])[0] = one[1]; });
    b.forEach(function (one) { (found[one[0]] = found[one[0]] || [null, null])[1] = one[1]; });
    return Object.keys(found).sort().map(function (name) { return [name, found[name][0], found[name][1]]; });
  }
  function table(title, rows, heads, numbers) {
    var shown = only.checked ? rows.filter(function (one) { return one[1] !== one[2]; }) : rows;
    var id = title.toLowerCase().replace(/\W+/g, '-');
    return h('section', {'aria-labelledby': id}, h('h2', {id: id}, title), shown.length ? h('div', {'class': 'scroll'}, h('table', {'class': 'list numbers'},
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Name'), heads.map(function (name) { return h('th', {scope: 'col'}, name); }),
        h('th', {scope: 'col'}, 'Difference'))),
      h('tbody', {}, shown.map(function (one) {
        var differs = one[1] !== one[2], mark = '';
        if (differs) {
          mark = numbers && typeof one[1] === 'number' && typeof one[2] === 'number' ?
            (one[2] > one[1] ? '+' : '−') + String(+Math.abs(one[2] - one[1]).toPrecision(4)) :
            one[1] === null ? 'only second' : one[2] === null ? 'only first' : 'differs';
        }
        return h('tr', differs ? {'class': 'changed'} : {}, h('th', {scope: 'row'}, one[0]), h('td', {}, cell(one[0], one[1])), h('td', {}, cell(one[0], one[2])), h('td', {}, mark));
      })))) : h('p', {'class': 'dim'}, rows.length ? 'No difference.' : 'None are known.'));
  }
  function draw() {
    var a = row(sides.a), b = row(sides.b), first = sides.a.one, second = sides.b.one;
    result.replaceChildren();
    if (!a || !b) { count.textContent = 'Choose two versions.'; document.getElementById('title').textContent = 'Compare'; return; }
    var names = [first.name + ' ' + a[0], second.name + ' ' + b[0]], heads = [first === second ? a[0] : names[0], first === second ? b[0] : names[1]];
    document.getElementById('title').textContent = names[0] + ' and ' + names[1];
    document.title = 'Compare ' + names[0] + ' and ' + names[1];
    function facts(one) {
      return [['commit', one[1].slice(0, 12)], ['registered', new Date(one[2] * 1000).toISOString().slice(0, 16).replace('T', ' ')],
        ['stages', one[9].join(', ') || null], ['digest', one[4]], ['sha256', one[5]], ['size in bytes', one[6]], ['change', one[7]], ['approved by', one[8].join(', ') || null]];
    }
    function files(one) { return one[12].map(function (file) { return [file[1] || file[3] || '', file[2]]; }); }
    var about = facts(a).map(function (fact, at) { return [fact[0], fact[1], facts(b)[at][1]]; });
    result.append(
      h('p', {}, h('a', {href: first.versionPage(a[0])}, a[0] + ' of ' + first.name), ' · ', h('a', {href: second.versionPage(b[0])}, b[0] + ' of ' + second.name)),
      table('Metrics', pairs(a[10], b[10]), heads, true), table('Parameters', pairs(a[11], b[11]), heads),
      table('Made from', pairs(files(a), files(b)), heads), table('About', about, heads));
    count.textContent = '';
    t.reach();
  }
  function changed() {
    var state = {only: only.checked ? '1' : ''};
    ['a', 'b'].forEach(function (side) {
      var it = sides[side];
      if (it.one && it.version.value) state[side] = JSON.stringify([it.one.repository.name, it.one.name, it.version.value]);
    });
    if (!asked) t.keep(state);
    draw();
  }
  function take() {
    var state = t.state(), waits = [];
    asked++;
    only.checked = state.only === '1';
    ['a', 'b'].forEach(function (side) {
      var key = null;
      try { key = JSON.parse(state[side] || 'null'); } catch (error) { /* not ours */ }
      if (Array.isArray(key) && byKey[key[0] + '\n' + key[1]]) waits.push(choose(side, byKey[key[0] + '\n' + key[1]], key[2]));
    });
    Promise.all(waits).then(function () { asked--; draw(); });
  }
  only.addEventListener('change', changed);
  document.getElementById('find').addEventListener('submit', function (event) { event.preventDefault(); });
  window.addEventListener('hashchange', take);
  window.addEventListener('popstate', take);
  take();
})();

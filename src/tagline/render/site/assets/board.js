/* The board: artifacts by stages. */
(function () {
  'use strict';
  var t = tagline, h = t.h, all = t.artifacts().filter(function (one) { return !one.deprecated; });
  var table = document.getElementById('board'), box = document.getElementById('q');
  var show = document.getElementById('f-show'), more = document.getElementById('more'), count = document.getElementById('count');
  var limit = 200;
  var usual = ['dev', 'development', 'test', 'testing', 'qa', 'staging', 'stage', 'preprod', 'canary'];
  function order(stage) {
    var low = stage.toLowerCase(), at = usual.indexOf(low);
    return at >= 0 ? at : low === 'prod' || low === 'production' ? 100 : 50;
  }
  var names = Object.create(null);
  all.forEach(function (one) { one.known.forEach(function (stage) { names[stage] = true; }); });
  var stages = Object.keys(names).sort(function (a, b) { return order(a) - order(b) || (a < b ? -1 : 1); });
  table.tHead.append(h('tr', {}, h('th', {scope: 'col'}, 'Artifact'), h('th', {scope: 'col'}, 'Latest'),
    stages.map(function (stage) { return h('th', {scope: 'col'}, stage); })));

  function drifts(held) { return held.reported && held.reported !== held.version; }
  function link(form, title, text) {
    return form && h('a', {'class': 'ask', href: form, rel: 'noopener noreferrer', title: title}, text);
  }
  /* What may be asked of a stage: the latest version, unless it holds it or nothing is promoted past it; the way back. */
  function asked(one, stage, held) {
    var promote = null, back = null;
    if (one.latest && one.known.indexOf(stage) >= 0 && (!held || (held.version !== one.latest && !held.held))) {
      promote = link(t.ask(one, one.latest, stage, 'promote'),
        'Ask to promote ' + one.name + ' ' + one.latest + ' to ' + stage, 'promote ' + one.latest);
    }
    if (held && held.back) {
      back = link(t.ask(one, held.version, stage, 'rollback'),
        'Ask to roll back ' + one.name + ' in ' + stage + ' from ' + held.version, 'roll back');
    }
    return [promote, promote && back ? ' · ' : null, back].filter(Boolean);
  }
  function cell(one, stage) {
    var held = one.holder(stage), asks = asked(one, stage, held);
    if (!held) return h('td', {}, asks.length ? asks : h('span', {'class': 'dim'}, '–'));
    return h('td', {},
      held.version ? h('a', {href: one.versionPage(held.version)}, held.version) : 'a commit', ' ',
      h('span', {'class': 'age', title: new Date(held.since * 1000).toISOString().slice(0, 16).replace('T', ' ') + ' UTC'}, t.age(held.since)), ' ',
      held.held ? h('span', {'class': 'mark warn', title: 'A rollback holds it: nothing is promoted past it.'}, 'held') : null, ' ',
      held.state ? h('span', {'class': 'mark' + (held.state === 'failure' || drifts(held) ? ' warn' : held.state === 'success' ? ' good' : ''),
        title: 'What its deployment reported'}, held.state.replace('_', ' ') + (drifts(held) ? ' ' + held.reported : '')) : null,
      asks.length ? [h('br')].concat(asks) : null);
  }
  function shown(one, words) {
    var text = (one.name + ' ' + one.repository.name).toLowerCase();
    if (!words.every(function (word) { return text.indexOf(word) >= 0; })) return false;
    if (show.value === 'held') return one.stages.some(function (held) { return held.held; });
    if (show.value === 'drift') return one.stages.some(drifts);
    if (show.value === 'behind') {
      var last = one.known[one.known.length - 1], held = last && one.holder(last);
      return Boolean(one.latest && last && (!held || held.version !== one.latest));
    }
    return true;
  }
  function draw() {
    var words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    var hits = all.filter(function (one) { return shown(one, words); });
    count.textContent = hits.length + (hits.length === 1 ? ' artifact' : ' artifacts');
    more.hidden = hits.length <= limit;
    t.fill(table, hits.slice(0, limit).map(function (one) {
      return h('tr', {}, h('th', {scope: 'row'}, h('a', {href: one.page()}, one.name), h('div', {'class': 'dim small'}, t.path(one.repository.name))),
        h('td', {}, one.latest ? h('a', {href: one.versionPage(one.latest)}, one.latest) : h('span', {'class': 'dim'}, '–')),
        stages.map(function (stage) { return cell(one, stage); }));
    }));
  }
  function take() { var state = t.state(); box.value = state.q || ''; show.value = state.show || ''; draw(); }
  function changed() { limit = 200; t.keep({q: box.value, show: show.value}); draw(); }
  box.addEventListener('input', t.later(changed));
  show.addEventListener('change', changed);
  more.addEventListener('click', function () { limit += 500; draw(); });
  document.getElementById('find').addEventListener('submit', function (event) { event.preventDefault(); });
  window.addEventListener('hashchange', take);
  window.addEventListener('popstate', take);
  take();
})();

/* What a search finds: its terms asked of each version of each artifact; the newest one that matches counts. */
(function () {
  'use strict';
  var t = tagline, query = t.query;
  var OF_VERSION = /^(stage|version|registered|since|change|approved|active|as-of)$/, BEHIND = /^(metric|param|input)$/;
  var files = document.body.dataset, ready = {};
  function need(kind) {
    if (!ready[kind]) {
      ready[kind] = Promise.all((files[kind] || '').split(' ').filter(Boolean).map(t.load)).then(function () {
        var rows = [];
        t.got(kind).forEach(function (chunk) { chunk[1].forEach(function (row, at) { rows[chunk[0] + at] = row; }); });
        return rows;
      });
      ready[kind].catch(function () { delete ready[kind]; });
    }
    return ready[kind];
  }
  function low(text) { return String(text === null || text === undefined ? '' : text).toLowerCase(); }
  function has(text, part) { return low(text).indexOf(low(part)) >= 0; }
  function compared(operator, a, b) {
    if (operator === '>') return a > b;
    if (operator === '>=') return a >= b;
    if (operator === '<') return a < b;
    if (operator === '<=') return a <= b;
    return operator === '!=' ? a !== b : a === b;
  }
  function time(term, at) {
    if (at === null || at === undefined) return false;
    if (term.operator === '>') return at >= term.to;
    if (term.operator === '>=') return at >= term.from;
    if (term.operator === '<') return at < term.from;
    if (term.operator === '<=') return at < term.to;
    var inside = at >= term.from && at < term.to;
    return term.operator === '!=' ? !inside : inside;
  }
  function order(a, b) {
    var x = /^v?(\d+)\.(\d+)\.(\d+)(-.*)?$/.exec(a), y = /^v?(\d+)\.(\d+)\.(\d+)(-.*)?$/.exec(b);
    if (!x || !y) return a < b ? -1 : a > b ? 1 : 0;
    for (var each = 1; each < 4; each++) if (+x[each] !== +y[each]) return x[each] - y[each];
    return x[4] === y[4] ? 0 : !x[4] ? 1 : !y[4] ? -1 : x[4] < y[4] ? -1 : 1;
  }
  function words(term, texts, exact) {
    var hit = texts.some(function (text) { return exact ? low(text) === low(term.value) : has(text, term.value); });
    return term.operator === '!=' ? !hit : hit;
  }
  /* One term of one version: ``one`` the artifact, ``row`` its version, ``spans`` its stages over time. */
  function holds(term, it) {
    var one = it.one, row = it.row;
    if (term.word !== undefined) return has(one.name, term.word) || has(one.description, term.word);
    switch (term.key) {
      case 'artifact': return words(term, [one.name]);
      case 'repository': return words(term, [one.repository.name]);
      case 'type': return words(term, [one.type], true);
      case 'label': return words(term, one.labels, true);
      case 'owner': return words(term, [one.owner], true);
      case 'deprecated': return (one.deprecated === term.flag) !== (term.operator === '!=');
      case 'active': return Boolean(row) && (Boolean(row[2]) === term.flag) !== (term.operator === '!=');
      case 'version': return Boolean(row) && compared(term.operator === ':' ? '=' : term.operator, order(row[0], term.value), 0);
      case 'registered': return Boolean(row) && time(term, row[1]);
      case 'change': return Boolean(row) && words(term, [row[3]]);
      case 'approved': return Boolean(row) && words(term, row[4], true);
      case 'stage': return Boolean(row) && words(term, it.held(), true);
      case 'since': return Boolean(row) && it.since().some(function (at) { return time(term, at); });
      case 'as-of': return true;
      case 'metric': return it.behind[0].some(function (metric) {
        return metric[0] === term.name && (!term.operator || (typeof metric[1] === 'number' && compared(term.operator, metric[1], parseFloat(term.value))));
      });
      case 'param': return it.behind[1].some(function (param) {
        if (param[0] !== term.name) return false;
        if (!term.operator) return true;
        var a = Number(param[1]), b = Number(term.value), numbers = param[1] !== '' && term.value !== '' && isFinite(a) && isFinite(b);
        return numbers ? compared(term.operator, a, b) : compared(term.operator, param[1], term.value);
      });
      case 'input': return words(term, [].concat.apply([it.behind[3]], it.behind[2]));
    }
    return false;
  }
  function matches(tree, it) {
    if (!tree) return true;
    if (tree.or) return tree.or.some(function (one) { return matches(one, it); });
    if (tree.and) return tree.and.every(function (one) { return matches(one, it); });
    if (tree.not) return !matches(tree.not, it);
    return holds(tree, it);
  }
  function asked(tree) {
    var found = {version: false, behind: false, deprecated: false, asOf: null, words: []};
    query.walk(tree, function (term) {
      if (term.word !== undefined) found.words.push(term.word);
      else if (BEHIND.test(term.key)) { found.version = found.behind = true; }
      else if (OF_VERSION.test(term.key)) found.version = true;
      if (term.key === 'deprecated') found.deprecated = true;
      if (term.key === 'as-of') found.asOf = term.from;
    });
    return found;
  }
  var NOTHING = [[], [], [], null];
  function version(one, row, spans, behind, asOf) {
    var at = asOf;
    function now() {
      return spans.filter(function (span) {
        return span[1] === row[0] && (at === null ? span[3] === null : span[2] <= at && (span[3] === null || span[3] > at));
      });
    }
    return {one: one, row: row, behind: behind || NOTHING,
      held: function () { return now().map(function (span) { return span[0]; }); },
      since: function () { return now().map(function (span) { return span[2]; }); }};
  }
  /* Hits as {one, version}; a promise. */
  t.find = function (text, options) {
    var tree, all = t.artifacts(), wants;
    try { tree = query.parse(text); wants = asked(tree); } catch (error) { return Promise.reject(error); }
    var pool = all.filter(function (one) { return options.deprecated || wants.deprecated || !one.deprecated; });
    if (!wants.version) {
      var hits = pool.filter(function (one) { return matches(tree, {one: one, row: null, behind: NOTHING}); })
        .map(function (one) { return {one: one, version: one.latest}; });
      return Promise.resolve(hits.length || !wants.words.length ? {hits: ranked(hits, wants.words), ranked: wants.words.length > 0} : close(text, pool));
    }
    return Promise.all([need('versions'), wants.behind ? need('behind') : []]).then(function (found) {
      var hits = [];
      pool.forEach(function (one) {
        var row = found[0][one.number], behind = found[1][one.number] || [];
        if (!row) return;
        for (var each = 0; each < row[0].length; each++) {
          var of = row[0][each];
          if (wants.asOf !== null && of[1] > wants.asOf) continue;
          if (matches(tree, version(one, of, row[1], behind[each], wants.asOf))) { hits.push({one: one, version: of[0]}); return; }
        }
      });
      return {hits: hits, ranked: false};
    });
  };
  /* The best names first; MiniSearch knows which. */
  var engine = null;
  function index() {
    if (!engine) {
      engine = new MiniSearch({fields: ['name', 'labels', 'description'], idField: 'number',
        extractField: function (one, field) { return field === 'labels' ? one.labels.join(' ') : one[field]; },
        searchOptions: {boost: {name: 4, labels: 2}, prefix: true}});
      engine.addAll(t.artifacts());
    }
    return engine;
  }
  function ranked(hits, words) {
    if (!words.length || hits.length < 2) return hits;
    var place = {};
    index().search(words.join(' ')).forEach(function (hit, at) { place[hit.id] = at; });
    return hits.sort(function (a, b) {
      var x = a.one.number in place ? place[a.one.number] : 1e9, y = b.one.number in place ? place[b.one.number] : 1e9;
      return x - y || a.one.number - b.one.number;
    });
  }
  /* Nothing matches: what is written nearly so. */
  function close(text, pool) {
    var all = t.artifacts(), allowed = new Set(pool);
    var hits = index().search(text, {fuzzy: 0.4}).map(function (hit) { return all[hit.id]; })
      .filter(function (one) { return allowed.has(one); }).slice(0, 20).map(function (one) { return {one: one, version: one.latest}; });
    return {hits: hits, ranked: true, note: hits.length ? 'Nothing matches exactly; these are close.' : ''};
  }
})();

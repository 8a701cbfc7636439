/* What a search finds: its terms asked of each version of each artifact; the newest one that matches counts. */
(function () {
  'use strict';
  var t = tagline, query = t.query;
  var OF_ARTIFACT = /^(artifact|repository|type|label|owner)$/, BEHIND = /^(metric|param|input)$/;
  var DIGEST = /^(md5|sha256|gitblob|gittree):[0-9a-fA-F]+(\.dir)?$/;
  var files = document.body.dataset, ready = {};
  function need(kind) {
    if (!ready[kind]) {
      ready[kind] = Promise.all((files[kind] || '').split(' ').filter(Boolean).map(t.load)).then(function () {
        var rows = [];
        t.got(kind).slice().sort(function (a, b) { return a[0] - b[0]; }).forEach(function (chunk) {
          if (kind === 'log') chunk[1].forEach(function (event) { (rows[event[0]] = rows[event[0]] || []).push(event); });
          else chunk[1].forEach(function (row, at) { rows[chunk[0] + at] = row; });
        });
        return rows;
      });
      ready[kind].catch(function () { delete ready[kind]; });
    }
    return ready[kind];
  }
  function has(text, part) { return text !== null && text !== undefined && text.toLowerCase().indexOf(part.toLowerCase()) >= 0; }
  function glob(text, pattern) {
    var parts = pattern.split('*'), at = parts[0].length, last = parts[parts.length - 1];
    if (parts.length < 2) return text === pattern;
    if (text.slice(0, at) !== parts[0]) return false;
    for (var each = 1; each < parts.length - 1; each++) {
      var found = text.indexOf(parts[each], at);
      if (found < 0) return false;
      at = found + parts[each].length;
    }
    return text.length - last.length >= at && text.slice(text.length - last.length) === last;
  }
  function is(text, operator, value) {
    if (text === null || text === undefined) return false;
    if (operator === '=') return text === value;
    text = text.toLowerCase();
    value = value.toLowerCase();
    return operator === '~' ? glob(text, value) : text === value;
  }
  function any(texts, term) { return texts.some(function (text) { return is(text, term.op, term.value); }); }
  function named(text, term) { return is(text, term.pattern ? '~' : '=', term.name); }
  function compared(a, operator, b) {
    if (operator === '>') return a > b;
    if (operator === '>=') return a >= b;
    if (operator === '<') return a < b;
    if (operator === '<=') return a <= b;
    return a === b;
  }
  function when(at, term) {
    var from = term.value.seconds;
    if (term.op === ':' || term.op === '=') return at >= from && at < from + (term.value.day ? 86400 : 1);
    return compared(at, term.op, from);
  }
  function digits(a, b) { return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0); }
  function order(a, b) {
    function parts(text) {
      var found = /^[vV]([0-9.]+)(?:-([^+]*))?/.exec(text) || ['', '', undefined];
      return {core: found[1].split('.'), pre: found[2] === undefined ? null : found[2].split('.')};
    }
    var x = parts(a), y = parts(b), each, far;
    for (each = 0; each < Math.max(x.core.length, y.core.length); each++) {
      if (x.core[each] === undefined || y.core[each] === undefined) return x.core.length - y.core.length;
      far = digits(x.core[each], y.core[each]);
      if (far) return far;
    }
    if (!x.pre || !y.pre) return (x.pre ? 0 : 1) - (y.pre ? 0 : 1);
    for (each = 0; each < Math.max(x.pre.length, y.pre.length); each++) {
      var p = x.pre[each], q = y.pre[each];
      if (p === undefined || q === undefined) return x.pre.length - y.pre.length;
      var n = /^[0-9]+$/.test(p), m = /^[0-9]+$/.test(q);
      far = n && m ? digits(p, q) : n !== m ? (n ? -1 : 1) : p < q ? -1 : p > q ? 1 : 0;
      if (far) return far;
    }
    return 0;
  }
  function number(value) {
    return value === 'inf' ? Infinity : value === '-inf' ? -Infinity : typeof value === 'number' ? value : NaN;
  }
  function metric(term, one) {
    if (!named(one[0], term)) return false;
    return term.op === undefined || compared(number(one[1]), term.op, term.value);
  }
  function param(term, one) {
    if (!named(one[0], term)) return false;
    if (term.op === undefined) return true;
    var value = one[1] !== null && query.NUMBER.test(one[1]) ? Number(one[1]) : NaN;
    if (typeof term.value === 'number') return compared(value, term.op, term.value);
    return is(one[1], term.op, term.value) || (query.NUMBER.test(term.value) && value === Number(term.value));
  }
  function input(term, one) {
    if ((term.op === ':' || term.op === '=') && DIGEST.test(term.value)) {
      return one[0] === (term.op === ':' ? term.value.toLowerCase() : term.value);
    }
    return any(one, term);
  }
  function change(term, link) {
    return is(link, term.op, term.value) ||
      (term.op === ':' && /^[0-9]+$/.test(term.value) && typeof link === 'string' && link.endsWith('/' + term.value));
  }
  /* One term of one version. */
  function holds(term, it) {
    var one = it.one;
    if (term.word !== undefined) return has(one.name, term.word) || has(one.description, term.word);
    if (term.op === '!=') return !holds(Object.assign({}, term, {op: '='}), it);
    switch (term.key) {
      case 'artifact': return is(one.name, term.op, term.value);
      case 'repository': return is(one.repository.name, term.op, term.value);
      case 'type': return is(one.type, term.op, term.value);
      case 'owner': return is(one.owner, term.op, term.value);
      case 'label': return any(one.labels, term);
      case 'deprecated': return it.deprecated() === term.value;
      case 'active': return it.active() === term.value;
      case 'version': return /^[:=~]$/.test(term.op) ? is(it.row[0], term.op, term.value) : compared(order(it.row[0], term.value), term.op, 0);
      case 'registered': return when(it.row[1], term);
      case 'stage': return it.held().some(function (held) { return is(held[0], term.op, term.value); });
      case 'since': return it.held().some(function (held) {
        return when(held[1], term) && (term.name === undefined || is(held[0], term.pattern ? '~' : ':', term.name));
      });
      case 'change': return change(term, it.row[3]) || it.spans().some(function (span) { return change(term, span[4]); });
      case 'approved': return any(it.row[4], term) || it.spans().some(function (span) { return any(span[5], term); });
      case 'metric': return it.behind[0].some(function (each) { return metric(term, each); });
      case 'param': return it.behind[1].some(function (each) { return param(term, each); });
      case 'input': return it.behind[2].some(function (each) { return input(term, each); });
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
  var NOTHING = [[], [], []];
  /* A version with what terms ask of it: now, or at an instant. */
  function version(one, row, spans, behind, events, at) {
    function own(span) { return span[1] === row[0]; }
    /* What the last event by then did, of those that a test is true of: they come in the order of the ledger. */
    function last(test) {
      var found = null;
      events.forEach(function (event) { if (event[4] <= at && test(event)) found = event[1]; });
      return found;
    }
    return {
      one: one, row: row, behind: behind || NOTHING,
      held: function () {
        if (at === null) return one.stages.filter(function (held) { return held.version === row[0]; }).map(function (held) { return [held.stage, held.since]; });
        return spans.filter(function (span) { return own(span) && span[2] <= at && (span[3] === null || span[3] > at); }).map(function (span) { return [span[0], span[2]]; });
      },
      spans: function () { return spans.filter(function (span) { return own(span) && (at === null || span[2] <= at); }); },
      deprecated: function () {
        if (at === null) return one.deprecated;
        return last(function () { return true; }) === 'deprecation';
      },
      active: function () {
        if (at === null) return Boolean(row[2]);
        return !this.deprecated() && last(function (event) {
          return event[2] === row[0] && /^(de)?registration$/.test(event[1]);
        }) !== 'deregistration';
      }
    };
  }
  /* What a version held at an instant, as rows show stages. */
  function asHeld(it) {
    var order = it.one.known;
    return it.held().map(function (held) { return {stage: held[0], version: it.row[0], held: false}; })
      .sort(function (a, b) { return order.indexOf(a.stage) - order.indexOf(b.stage); });
  }
  /* Hits as {one, version}; a promise. With ``every`` all versions that match, not the newest alone. */
  t.find = function (text, options) {
    var asked, wants = {version: false, behind: false, active: false, words: []}, all = t.artifacts();
    try { asked = query.parse(text); } catch (error) { return Promise.reject(error); }
    query.walk(asked.where, function (term) {
      if (term.word !== undefined) wants.words.push(term.word);
      else if (!OF_ARTIFACT.test(term.key)) wants.version = true;
      if (BEHIND.test(term.key)) wants.behind = true;
      if (/^(active|deprecated)$/.test(term.key)) wants.active = true;
    });
    var at = asked.asOf;
    if (!wants.version && at === null && !options.every) {
      var pool = all.filter(function (one) { return options.deprecated || (!one.deprecated && (one.latest || !asked.where)); });
      var hits = pool.filter(function (one) { return matches(asked.where, {one: one}); }).map(function (one) { return {one: one, version: one.latest}; });
      return Promise.resolve(hits.length || !wants.words.length ? {hits: ranked(hits, wants.words), ranked: wants.words.length > 0} : close(wants.words.join(' ')));
    }
    return Promise.all([need('versions'), wants.behind ? need('behind') : [], at !== null ? need('log') : []]).then(function (found) {
      var hits = [];
      all.forEach(function (one) {
        var row = found[0][one.number], behind = found[1][one.number] || [], events = found[2][one.number] || [];
        if (!row) return;
        for (var each = 0; each < row[0].length; each++) {
          var of = row[0][each];
          if (at !== null && of[1] > at && !events.some(function (event) {
            return event[1] === 'registration' && event[2] === of[0] && event[4] <= at;
          })) continue;
          var it = version(one, of, row[1], behind[each], events, at);
          if (!(wants.active || options.deprecated || it.active())) continue;
          if (matches(asked.where, it)) {
            hits.push({one: one, version: of[0], stages: at === null ? null : asHeld(it)});
            if (!options.every) return;
          }
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
  function close(text) {
    var all = t.artifacts();
    var hits = index().search(text, {fuzzy: 0.4}).map(function (hit) { return all[hit.id]; }).slice(0, 20)
      .map(function (one) { return {one: one, version: one.latest}; });
    return {hits: hits, ranked: true, note: hits.length ? 'Nothing matches exactly; these are close.' : ''};
  }
})();

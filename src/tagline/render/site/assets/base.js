/* What every page needs: the data that scripts hand over, elements made of text alone, times with their age. */
(function () {
  'use strict';
  var tagline = (window.tagline = {});
  var body = document.body;
  tagline.root = body.dataset.root || '';
  tagline.base = body.dataset.base || tagline.root;

  /* Data: classic scripts call tagline.data(kind, value), so that a page works from file:// too. */
  var got = {};
  tagline.data = function (kind, value) { (got[kind] = got[kind] || []).push(value); };
  tagline.got = function (kind) { return got[kind] || []; };
  var asked = {};
  tagline.load = function (file) {
    if (!asked[file]) {
      asked[file] = new Promise(function (done, failed) {
        var script = document.createElement('script');
        script.src = tagline.root + file;
        script.onload = done;
        script.onerror = function () { delete asked[file]; failed(new Error('could not be read: ' + file)); };
        document.head.append(script);
      });
    }
    return asked[file];
  };

  /* h('a', {href: '...'}, 'text', child): text is always text. */
  tagline.h = function (name, attributes) {
    var made = document.createElement(name);
    for (var key in attributes || {}) {
      if (attributes[key] !== null && attributes[key] !== undefined && attributes[key] !== false) {
        made.setAttribute(key, attributes[key] === true ? '' : attributes[key]);
      }
    }
    for (var each = 2; each < arguments.length; each++) {
      var child = arguments[each];
      if (Array.isArray(child)) made.append.apply(made, child.filter(Boolean));
      else if (child !== null && child !== undefined && child !== false) made.append(child);
    }
    return made;
  };
  tagline.s = function (name, attributes, text) {
    var made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (var key in attributes || {}) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  var h = tagline.h;

  /* Names as parts of paths, as domain/site/places.py makes them; in a URL the percent sign is encoded once more. */
  function encoded(text) {
    return encodeURIComponent(text).replace(/[!'()*~]/g, function (mark) {
      return '%' + mark.charCodeAt(0).toString(16).toUpperCase();
    });
  }
  tagline.encoded = encoded;
  function part(text) {
    var done = encoded(text.toWellFormed ? text.toWellFormed() : text);
    return done.charAt(0) === '.' ? '%2E' + done.slice(1) : done;
  }
  function url(text) { return part(text).replace(/%/g, '%25'); }

  function Artifact(row, number, repository) {
    this.number = number;
    this.repository = repository;
    this.name = row[1]; this.type = row[2]; this.description = row[3]; this.labels = row[4]; this.owner = row[5];
    this.latest = row[6]; this.deprecated = Boolean(row[7]); this.registered = row[8]; this.changed = row[9];
    this.stages = row[10].map(function (one) {
      return {stage: one[0], version: one[1], since: one[2], held: Boolean(one[3] & 1), back: Boolean(one[3] & 2), state: one[4] || null,
              reported: one[5] || null};
    });
    this.count = row[11];
    this.folder = row[12] || 'artifacts/' + url(repository.name) + '/' + url(row[1]);
    this.known = row[13];
  }
  Artifact.prototype.page = function () { return tagline.base + this.folder + '/index.html'; };
  /* A longer name is cut in Python, by a hash that a page has not. */
  Artifact.prototype.versionPage = function (version) {
    return part(version).length > 180 ? this.page() : tagline.base + this.folder + '/' + url(version) + '.html';
  };
  Artifact.prototype.holder = function (stage) {
    return this.stages.find(function (one) { return one.stage === stage; });
  };

  tagline.artifacts = function () {
    if (tagline.all) return tagline.all;
    var chunks = tagline.got('artifacts').slice().sort(function (a, b) { return a[0] - b[0]; });
    var repositories = (chunks[0] ? chunks[0][2] : []).map(function (one) {
      return {name: one[0], forge: one[1], web: one[2], branch: one[3]};
    });
    var all = [];
    chunks.forEach(function (chunk) {
      chunk[3].forEach(function (row) { all.push(new Artifact(row, all.length, repositories[row[0]])); });
    });
    tagline.all = all;
    return all;
  };

  /* The forms that ask, as domain/site/links.py fills them in. */
  function scalar(text) {
    if (/^(?:[A-Za-z][A-Za-z0-9_/-]*(?::[A-Za-z0-9_/-]+)?|v\d+\.\d+\.\d+)$/.test(text) &&
        !/^(?:true|false|null)$/i.test(text)) return text;
    return JSON.stringify(text);
  }
  function form(pairs) {
    return pairs.map(function (pair) { return encoded(pair[0]) + '=' + encoded(pair[1]).replace(/%2F/g, '/'); }).join('&');
  }
  tagline.ask = function (one, version, stage, action) {
    var web = one.repository.web, branch = one.repository.branch, back = action === 'rollback';
    if (!web) return null;
    if (one.repository.forge === 'gitlab') {
      var said = [['ARTIFACT', one.name], ['VERSION', version], ['STAGE', stage], ['ACTION', action]];
      return web + '/-/pipelines/new?' + form((branch ? [['ref', branch]] : []).concat(said.map(function (pair) {
        return ['var[TAGLINE_PROPOSE_' + pair[0] + ']', pair[1]];
      })));
    }
    var name = (one.name + (back ? '-rollback-' : '-') + version).replace(/[^A-Za-z0-9._-]+/g, '-');
    var value = '- artifact: ' + scalar(one.name) + '\n' +
      (back ? '  rollback: true\n  from: ' : '  version: ') + scalar(version) + '\n';
    return web + '/new/' + (branch || 'HEAD').split('/').map(encoded).join('/') + '?' +
      form([['filename', 'promotions/' + stage + '/' + name + '.yaml'], ['value', value]]);
  };

  /* Times. */
  function iso(seconds) { return new Date(seconds * 1000).toISOString(); }
  tagline.age = function (seconds) {
    var past = Date.now() / 1000 - seconds, days = Math.floor(past / 86400);
    if (past < 0) return 'in the future';
    if (past < 3600) return Math.floor(past / 60) + ' min';
    if (past < 86400) return Math.floor(past / 3600) + ' h';
    if (days < 60) return days + ' d';
    return days < 730 ? Math.floor(days / 30.44) + ' months' : Math.floor(days / 365.25) + ' years';
  };
  tagline.when = function (seconds, full) {
    var text = iso(seconds);
    return h('time', {datetime: text.slice(0, 19) + 'Z', title: text.slice(0, 16).replace('T', ' ') + ' UTC'},
      full ? text.slice(0, 16).replace('T', ' ') : text.slice(0, 10),
      full ? null : h('span', {'class': 'age'}, ' ' + tagline.age(seconds)));
  };
  document.querySelectorAll('main time').forEach(function (one) {
    var seconds = Date.parse(one.dateTime) / 1000;
    if (isNaN(seconds)) return;
    one.title = one.textContent;
    one.append(h('span', {'class': 'age'}, ' ' + tagline.age(seconds)));
  });
  tagline.instant = function (date, end) {
    var ms = Date.parse(date + 'T00:00:00Z');
    return isNaN(ms) ? null : ms / 1000 + (end ? 86400 : 0);
  };

  /* The state of a page stands behind # in its address: every state can be linked. */
  tagline.state = function () {
    var found = Object.create(null);
    location.hash.replace(/^#/, '').split('&').forEach(function (pair) {
      var at = pair.indexOf('=');
      if (at < 0) return;
      try { found[decodeURIComponent(pair.slice(0, at))] = decodeURIComponent(pair.slice(at + 1)); } catch (error) { /* not ours */ }
    });
    return found;
  };
  tagline.keep = function (state, push) {
    var text = Object.keys(state).filter(function (key) { return state[key]; }).map(function (key) {
      return encoded(key) + '=' + encoded(String(state[key]));
    }).join('&');
    var address = location.pathname + location.search + (text ? '#' + text : '');
    if (location.hash.replace(/^#/, '') === text) return;
    try { history[push ? 'pushState' : 'replaceState'](null, '', address); } catch (error) { location.hash = text; }
  };

  /* A path breaks after its slashes first. */
  tagline.path = function (text) {
    var pieces = [];
    text.split('/').forEach(function (part, at) {
      if (at) pieces.push('/', h('wbr'));
      pieces.push(part);
    });
    return pieces;
  };
  tagline.options = function (select, values) {
    values.forEach(function (value) { select.append(h('option', {value: value}, value)); });
  };
  tagline.fill = function (table, rows) {
    var into = table.tBodies[0];
    into.replaceChildren.apply(into, rows);
    stack(table);
    tagline.reach();
  };
  /* On a narrow screen rows of a .stack stand below each other, each cell after its column's name; roles keep them a table. */
  function stack(table) {
    var heads = table.tHead && table.tHead.rows[0] ? table.tHead.rows[0].cells : [];
    table.setAttribute('role', 'table');
    Array.prototype.forEach.call(table.querySelectorAll('thead, tbody'), function (one) { one.setAttribute('role', 'rowgroup'); });
    Array.prototype.forEach.call(table.rows, function (row) {
      row.setAttribute('role', 'row');
      Array.prototype.forEach.call(row.cells, function (cell, at) {
        cell.setAttribute('role', cell.tagName === 'TD' ? 'cell' : cell.scope === 'col' ? 'columnheader' : 'rowheader');
        if (cell.tagName === 'TD' && heads[at]) cell.dataset.label = heads[at].textContent;
      });
    });
  }
  document.querySelectorAll('table.stack').forEach(stack);
  /* Calls once the hands rest. */
  tagline.later = function (call) {
    var timer = 0;
    return function () { clearTimeout(timer); timer = setTimeout(call, 60); };
  };
  tagline.change = function (link) {
    if (!link) return '';
    var found = /\/(pull|pulls|merge_requests)\/(\d+)\/?$/.exec(link);
    var text = found ? (found[1] === 'merge_requests' ? '!' : '#') + found[2] : link;
    return /^https?:\/\/[^\s"'<>\\@]+$/.test(link) ? h('a', {href: link, rel: 'noopener noreferrer'}, text) : text;
  };

  /* What scrolls sideways can be reached by keyboard; what does not is no stop on the way. */
  function reach() {
    document.querySelectorAll('.scroll').forEach(function (one) {
      if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
      else one.removeAttribute('tabindex');
    });
  }
  window.addEventListener('resize', reach);
  window.addEventListener('load', reach);
  tagline.reach = reach;

  /* A link to a place of this page keeps the state that its address has. */
  document.addEventListener('click', function (event) {
    var link = event.target.closest ? event.target.closest('a[href^="#"]') : null;
    var place = link && document.getElementById('find') ? document.getElementById(link.getAttribute('href').slice(1)) : null;
    if (!place) return;
    event.preventDefault();
    place.focus();
    place.scrollIntoView();
  });
  document.addEventListener('click', function (event) {
    var button = event.target.closest ? event.target.closest('button.copy') : null;
    if (!button) return;
    function done() {
      button.textContent = 'Copied';
      setTimeout(function () { button.textContent = 'Copy'; }, 1500);
    }
    function byHand() {
      var box = h('textarea', {'class': 'hidden'});
      box.value = button.dataset.copy;
      document.body.append(box);
      box.select();
      document.execCommand('copy');
      box.remove();
      done();
    }
    if (navigator.clipboard) navigator.clipboard.writeText(button.dataset.copy).then(done, byHand);
    else byHand();
  });
  document.addEventListener('keydown', function (event) {
    var box = document.getElementById('q');
    if (event.key === '/' && box && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      box.focus();
    }
  });
})();

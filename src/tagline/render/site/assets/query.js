/* The language of searches, as tagline search reads it: schemas/search/vectors.json binds both. */
(function () {
  'use strict';
  var KEYS = ['artifact', 'repository', 'type', 'label', 'owner', 'stage', 'version', 'metric', 'param', 'input', 'registered',
    'since', 'change', 'approved', 'active', 'deprecated', 'as-of'];
  var OPERATOR = /^(>=|<=|!=|[:=><])/;
  function Mistake(message, hint) { this.message = message; this.hint = hint || ''; }
  Mistake.prototype = Object.create(Error.prototype);

  function tokens(text) {
    var found = [], at = 0;
    while (at < text.length) {
      var mark = text.charAt(at);
      if (/\s/.test(mark)) { at++; continue; }
      if (mark === '(' || mark === ')') { found.push({kind: mark}); at++; continue; }
      var word = '', quoted = false, parts = [];
      while (at < text.length && !/[\s()]/.test(text.charAt(at))) {
        mark = text.charAt(at);
        if (mark === '"') {
          var end = text.indexOf('"', at + 1);
          if (end < 0) throw new Mistake('A quote is not closed.', 'Write the closing "');
          parts.push({quoted: true, text: text.slice(at + 1, end)});
          quoted = true;
          at = end + 1;
        } else { parts.push({quoted: false, text: mark}); at++; }
      }
      word = parts.map(function (part) { return part.text; }).join('');
      found.push({kind: !quoted && /^(AND|OR|NOT)$/.test(word) ? word : 'word', text: word, parts: parts});
    }
    return found;
  }
  function term(token) {
    var key = '', rest = null;
    for (var each = 0; each < token.parts.length; each++) {
      if (token.parts[each].quoted) break;
      if (/[:=!<>]/.test(token.parts[each].text)) { rest = each; break; }
      key += token.parts[each].text;
    }
    if (rest === null || !key) return {word: token.text};
    var text = token.parts.slice(rest).map(function (part) { return part.text; }).join('');
    var operator = OPERATOR.exec(text);
    if (!operator) return {word: token.text};
    if (KEYS.indexOf(key) < 0) throw new Mistake("There is no key '" + key + "'.", near(key));
    var made = {key: key, operator: operator[1], value: text.slice(operator[1].length)};
    if (key === 'metric' || key === 'param') {
      if (made.operator !== ':' && made.operator !== '=') throw new Mistake(key + ' needs a name.', 'Write ' + key + ':NAME' + made.operator + made.value);
      var inner = /^(.*?)(>=|<=|!=|[=><:])(.*)$/.exec(made.value);
      made.name = inner ? inner[1] : made.value;
      made.operator = inner ? (inner[2] === ':' ? '=' : inner[2]) : null;
      made.value = inner ? inner[3] : null;
      if (!made.name) throw new Mistake(key + ' needs a name.', 'Write ' + key + ':NAME');
      if (key === 'metric' && made.operator && !isFinite(parseFloat(made.value))) throw new Mistake("'" + made.value + "' is no number.", 'Write metric:' + made.name + '>0.9');
    } else if (made.value === '') throw new Mistake(key + ' needs a value.', 'Write ' + key + ':VALUE');
    if (/^(registered|since|as-of)$/.test(key)) {
      var range = span(made.value);
      if (!range) throw new Mistake("'" + made.value + "' is no date.", 'Write 2026-03-01 or 2026-03-01T09:30:00Z.');
      made.from = range[0];
      made.to = range[1];
    }
    if (/^(active|deprecated)$/.test(key)) {
      if (!/^(true|false|yes|no)$/i.test(made.value)) throw new Mistake(key + ' is true or false.', 'Write ' + key + ':true');
      made.flag = /^(true|yes)$/i.test(made.value);
    }
    return made;
  }
  function span(text) {
    if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
      var day = Date.parse(text + 'T00:00:00Z') / 1000;
      return isNaN(day) ? null : [day, day + 86400];
    }
    if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text)) return null;
    var at = Date.parse(text) / 1000;
    return isNaN(at) ? null : [at, at + 1];
  }
  function near(key) {
    var best = null, least = 3;
    KEYS.forEach(function (one) { var far = distance(key.toLowerCase(), one); if (far < least) { least = far; best = one; } });
    return best ? "Did you mean '" + best + "'?" : 'Keys: ' + KEYS.join(', ') + '.';
  }
  function distance(a, b) {
    var row = [];
    for (var j = 0; j <= b.length; j++) row[j] = j;
    for (var i = 1; i <= a.length; i++) {
      var before = row[0];
      row[0] = i;
      for (j = 1; j <= b.length; j++) {
        var keep = row[j];
        row[j] = Math.min(row[j] + 1, row[j - 1] + 1, before + (a[i - 1] === b[j - 1] ? 0 : 1));
        before = keep;
      }
    }
    return row[b.length];
  }
  /* {or: [...]}, {and: [...]}, {not: ...} or a term; null for nothing. */
  function parse(text) {
    if (text.length > 2000) throw new Mistake('The search is too long.', 'Ask for less.');
    var list = tokens(text), at = 0, depth = 0;
    if (!list.length) return null;
    function any() {
      var parts = [all()];
      while (at < list.length && list[at].kind === 'OR') { at++; parts.push(all()); }
      return parts.length > 1 ? {or: parts} : parts[0];
    }
    function all() {
      var parts = [one()];
      while (at < list.length && list[at].kind !== 'OR' && list[at].kind !== ')') {
        if (list[at].kind === 'AND') at++;
        parts.push(one());
      }
      return parts.length > 1 ? {and: parts} : parts[0];
    }
    function one() {
      var token = list[at++];
      if (!token) throw new Mistake('The search ends where a term should be.', 'Complete it.');
      if (token.kind === 'NOT') return {not: one()};
      if (token.kind === '(') {
        if (++depth > 50) throw new Mistake('Too many parentheses.', 'Ask for less.');
        var inner = any();
        if (!list[at] || list[at].kind !== ')') throw new Mistake('A parenthesis is not closed.', 'Write the closing )');
        at++;
        depth--;
        return inner;
      }
      if (token.kind !== 'word') throw new Mistake("'" + (token.text || token.kind) + "' stands where a term should be.", 'Write a term before it, or quote it.');
      return term(token);
    }
    var tree = any();
    if (at < list.length) throw new Mistake("A ')' has no '('.", 'Remove it.');
    return tree;
  }
  function walk(tree, call) {
    if (!tree) return;
    (tree.or || tree.and || (tree.not ? [tree.not] : [])).forEach(function (one) { walk(one, call); });
    if (!tree.or && !tree.and && !tree.not) call(tree);
  }
  tagline.query = {parse: parse, walk: walk, Mistake: Mistake, KEYS: KEYS};
})();

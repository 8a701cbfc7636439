/* The language of searches, read as tagline search reads it (domain/search): schemas/search/vectors.json binds both. */
(function () {
  'use strict';
  var OPERATORS = ['!=', '>=', '<=', ':', '=', '>', '<'], COMPARING = ['!=', '>=', '<=', '=', '>', '<'];
  var EQUAL = [':', '=', '!='], BLANK = ' \t\r\n', SPECIAL = BLANK + '()"';
  var KEYS = {
    artifact: ['text'], repository: ['text'], type: ['text'], label: ['text'], owner: ['text'], stage: ['text'],
    version: ['version', OPERATORS], metric: ['number', COMPARING, 'must'], param: ['any', COMPARING, 'must'],
    input: ['text'], registered: ['date', OPERATORS], since: ['date', OPERATORS, 'maybe'], change: ['text'],
    approved: ['text'], active: ['flag'], deprecated: ['flag'], 'as-of': ['date', [':', '=']]
  };
  var NUMBER = /^[+-]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})([eE][+-]?[0-9]{1,3})?$/;
  var VERSION = /^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
  var IN_QUOTES = 'In quotes a parenthesis is a character as any other.';
  var AS_OF = 'Write it once, beside the rest: stage:prod as-of:2026-03-01';

  function Mistake(code, place, message, hint) {
    this.code = code; this.place = place; this.hint = hint || '';
    this.message = message + ' (at character ' + (place + 1) + ' of the search)';
  }
  Mistake.prototype = Object.create(Error.prototype);

  function Reader(text) { this.text = Array.from(text); this.at = 0; this.terms = 0; this.asOf = null; }
  Reader.prototype = {
    starts: function (part, at) {
      for (var each = 0; each < part.length; each++) if (this.text[at + each] !== part[each]) return false;
      return true;
    },
    blanks: function () { while (this.at < this.text.length && BLANK.indexOf(this.text[this.at]) >= 0) this.at++; },
    ends: function () { return this.at >= this.text.length; },
    isKeyword: function (word) {
      var end = this.at + word.length;
      return this.text.slice(this.at, end).join('').toUpperCase() === word && (end >= this.text.length || SPECIAL.indexOf(this.text[end]) >= 0);
    },
    keyword: function (word) {
      this.blanks();
      if (!this.isKeyword(word)) return false;
      this.at += word.length;
      return true;
    },
    operator: function (without) {
      for (var each = 0; each < OPERATORS.length; each++) {
        if (OPERATORS[each] !== without && this.starts(OPERATORS[each], this.at)) { this.at += OPERATORS[each].length; return OPERATORS[each]; }
      }
      return null;
    },
    bare: function (stops) {
      var start = this.at, self = this;
      while (!this.ends() && SPECIAL.indexOf(this.text[this.at]) < 0) {
        if (stops.some(function (one) { return self.starts(one, self.at); })) break;
        this.at++;
      }
      if (this.text[this.at] === '"' && this.at > start) throw new Mistake('quote', this.at, 'A quote begins inside of a word.', 'Put all of it in quotes.');
      return {text: this.text.slice(start, this.at).join(''), place: start, quoted: false};
    },
    quoted: function () {
      var start = this.at, told = '', self = this;
      this.at++;
      while (!this.ends() && this.text[this.at] !== '"') {
        if (this.text[this.at] === '\\' && (this.text[this.at + 1] === '"' || this.text[this.at + 1] === '\\')) this.at++;
        told += this.text[this.at++];
      }
      if (this.ends()) throw new Mistake('quote', start, 'A quote is not closed.', 'Add: "');
      this.at++;
      if (!COMPARING.some(function (one) { return self.starts(one, self.at); })) this.mustEnd();
      return {text: told, place: start, quoted: true};
    },
    mustEnd: function () {
      if (!this.ends() && (BLANK + '()').indexOf(this.text[this.at]) < 0) throw new Mistake('quote', this.at, 'Something follows without a blank.', 'Put a blank between them.');
    },
    whole: function () {
      this.blanks();
      var where = this.ends() ? null : this.either(0, true);
      if (!this.ends()) throw new Mistake('parenthesis', this.at, 'A parenthesis is closed that was not opened.', IN_QUOTES);
      return {where: where, asOf: this.asOf};
    },
    either: function (depth, top) {
      var nodes = [this.both(depth, top)], first = this.at;
      while (this.keyword('OR')) {
        if (this.asOf !== null && depth === 0) throw new Mistake('as-of', first, 'as-of stands beside an OR.', AS_OF);
        nodes.push(this.both(depth, false));
      }
      nodes = nodes.filter(Boolean);
      return nodes.length > 1 ? {or: nodes} : nodes[0] || null;
    },
    both: function (depth, top) {
      var nodes = [this.not(depth, top)];
      for (;;) {
        this.blanks();
        if (this.ends() || this.text[this.at] === ')' || this.isKeyword('OR')) break;
        this.keyword('AND');
        nodes.push(this.not(depth, top));
      }
      nodes = nodes.filter(Boolean);
      return nodes.length > 1 ? {and: nodes} : nodes[0] || null;
    },
    not: function (depth, top) {
      var opposite = false;
      while (this.keyword('NOT')) { opposite = !opposite; top = false; }
      var node = this.one(depth, top);
      return opposite && node ? {not: node} : node;
    },
    one: function (depth, top) {
      this.blanks();
      var place = this.at;
      if (this.ends()) throw new Mistake('ends', place, 'The search ends where a word is missing.', 'Add a word or a term.');
      if (this.text[place] === '(') return this.group(depth, place);
      if (this.text[place] === ')') throw new Mistake('parenthesis', place, 'A word is missing before the parenthesis.', IN_QUOTES);
      if (this.isKeyword('AND') || this.isKeyword('OR')) throw new Mistake('ends', place, 'A word is missing before AND or OR.', 'In quotes it is a word: "or"');
      if (++this.terms > 64) throw new Mistake('too-many', place, 'The search has more than 64 terms.', 'Ask for less at once.');
      if (this.text[place] === '"') {
        var word = this.quoted();
        if (!word.text) throw new Mistake('no-value', place, 'There is nothing between the quotes.', 'Write a word in them.');
        return {word: word.text};
      }
      return this.wordOrTerm(place, top);
    },
    group: function (depth, place) {
      if (depth >= 32) throw new Mistake('too-deep', place, 'More than 32 parentheses are in one another.', 'Ask simpler.');
      this.at++;
      var node = this.either(depth + 1, false);
      this.blanks();
      if (this.ends()) throw new Mistake('parenthesis', place, 'A parenthesis is not closed.', 'Add: )');
      this.at++;
      return node;
    },
    wordOrTerm: function (place, top) {
      var head = this.bare(OPERATORS), after = this.at, operator = this.operator();
      if (operator === null && head.text) { this.blanks(); operator = this.operator(':'); }
      if (operator === null) { this.at = after; return {word: head.text}; }
      var key = this.key(head, operator), rule = KEYS[key], name = rule[2] ? this.name(key, rule[2], operator) : null;
      if (name) {
        operator = this.operator(':');
        if (operator === null) return named({key: key}, name);
      }
      var allowed = rule[1] || EQUAL;
      if (allowed.indexOf(operator || '') < 0) throw new Mistake('operator', place, key + ' is not compared by ' + operator + '.', key + ' takes ' + allowed.join(' '));
      var value = this.value(operator), term = operand(key, rule[0], operator, value);
      if (key === 'as-of') {
        if (!top || this.asOf !== null) throw new Mistake('as-of', place, 'as-of stands inside of something, or a second time.', AS_OF);
        this.asOf = term.value.seconds;
        return null;
      }
      return name ? named(term, name) : term;
    },
    key: function (head, operator) {
      if (!head.text) throw new Mistake('no-key', head.place, 'Nothing stands before ' + operator + '.', 'Write KEY, operator, value.');
      var key = head.text.toLowerCase();
      if (Object.prototype.hasOwnProperty.call(KEYS, key)) return key;
      var like = near(key), meant = '';
      if (/^[<>]/.test(operator)) meant = ' A metric is asked as metric:' + head.text + operator + '...';
      else if (operator === ':' && !like) meant = ' An artifact in a directory is asked as artifact:' + head.text + ':...';
      throw new Mistake('unknown-key', head.place, "There is no key '" + head.text + "'." + like, 'Keys are ' + Object.keys(KEYS).join(', ') + '.' + meant + ' In quotes it is a word.');
    },
    name: function (key, kind, operator) {
      var start = this.at;
      if (operator !== ':') {
        if (kind === 'must') throw new Mistake('no-name', start, key + ' needs a name.', 'Write ' + key + ':NAME' + operator + 'VALUE.');
        return null;
      }
      var name = this.text[start] === '"' ? this.quoted() : this.bare(COMPARING), after = this.at;
      this.blanks();
      var compared = this.operator(':') !== null;
      this.at = after;
      if (compared) this.blanks();
      if (kind === 'maybe' && !compared) { this.at = start; return null; }
      if (!name.text) throw new Mistake('no-name', start, key + ': is followed by no name.', 'Write ' + key + ':NAME.');
      if (!compared) this.mustEnd();
      return name;
    },
    value: function (operator) {
      if (operator !== ':') this.blanks();
      if (this.text[this.at] === '"') return this.quoted();
      var value = this.bare([]);
      if (!value.text) throw new Mistake('no-value', value.place, 'Nothing stands after ' + operator + '.', 'Write a value there.');
      this.mustEnd();
      return value;
    }
  };

  function named(term, name) {
    var pattern = name.text.indexOf('*') >= 0 && !name.quoted;
    term.name = pattern ? name.text.replace(/\*+/g, '*') : name.text;
    if (pattern) term.pattern = true;
    return term;
  }
  function operand(key, kind, operator, value) {
    var text = value.text, place = value.place;
    if (!text) throw new Mistake('no-value', place, 'Nothing stands after ' + key + operator, 'Write a value there.');
    if (!value.quoted && text.split('*').length - 1 > 8) throw new Mistake('pattern', place, 'There are more than 8 stars.', 'In quotes a * is itself.');
    function is(what, of) { return {key: key, op: of || operator, value: what}; }
    if (kind === 'flag') {
      if (!/^(true|yes|false|no)$/i.test(text)) throw new Mistake('flag', place, "'" + text + "' is neither true nor false.", 'Write ' + key + ':true.');
      return is(/^(true|yes)$/i.test(text));
    }
    if (kind === 'date') return is(instant(text, place));
    if (kind === 'number' || (kind === 'any' && EQUAL.indexOf(operator) < 0)) {
      var number = NUMBER.test(text) ? Number(text) : Infinity;
      if (!isFinite(number)) throw new Mistake('number', place, "'" + text.slice(0, 100) + "' is no number.", 'Write one: ' + key + ':NAME>0.95, 1e-3, -2');
      return is(number);
    }
    if (kind === 'version' && EQUAL.indexOf(operator) < 0) return is(version(text, place));
    if (key === 'input' && !value.quoted && /^([0-9a-f]{32}(\.dir)?|[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text)) {
      throw new Mistake('digest', place, 'A digest begins with its kind.', 'Write ' + key + ':md5:' + text + ', sha256:... or gitblob:...');
    }
    if (operator === ':' && text.indexOf('*') >= 0 && !value.quoted) return is(text.replace(/\*+/g, '*'), '~');
    if (kind === 'version') return is(/^[vV]/.test(text) || !VERSION.test('v' + text) ? text : 'v' + text);
    return is(text);
  }
  function version(text, place) {
    var bare = text.replace(/^[vV]/, ''), part = /^(0|[1-9]\d*)(\.(0|[1-9]\d*))?$/.exec(bare);
    var whole = 'v' + bare + (part ? (part[2] ? '.0' : '.0.0') : '');
    if (!VERSION.test(whole)) throw new Mistake('version', place, "'" + text.slice(0, 100) + "' is no version.", 'Write one: v1.2.3, or v1.2 for v1.2.0.');
    return whole;
  }
  function instant(text, place) {
    var day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text), full = day ? text + 'T00:00:00Z' : text;
    var found = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/.exec(full);
    var wrong = new Mistake('date', place, "'" + text.slice(0, 100) + "' is no instant.", 'Write 2026-03-01, or 2026-03-01T09:30:00Z.');
    if (!found) throw wrong;
    var at = new Date(0);
    at.setUTCFullYear(+found[1], found[2] - 1, +found[3]);
    at.setUTCHours(+found[4], +found[5], +found[6]);
    var same = at.getUTCFullYear() === +found[1] && at.getUTCMonth() === found[2] - 1 && at.getUTCDate() === +found[3] &&
      at.getUTCHours() === +found[4] && at.getUTCMinutes() === +found[5] && at.getUTCSeconds() === +found[6];
    if (!same || +found[1] < 1 || found[8] > 23 || found[9] > 59) throw wrong;
    var zone = found[7] ? (found[8] * 3600 + found[9] * 60) * (found[7] === '-' ? -1 : 1) : 0, seconds = at.getTime() / 1000 - zone;
    if (seconds < -62135596800 || seconds >= 253402300800) throw wrong;
    return {seconds: seconds, day: day};
  }
  function near(key) {
    var best = null, least = Math.max(2, Math.floor(key.length / 3) + 1);
    Object.keys(KEYS).forEach(function (one) { var far = distance(key.slice(0, 40), one); if (far < least) { least = far; best = one; } });
    return best ? " Did you mean '" + best + "'?" : '';
  }
  function distance(a, b) {
    var row = [], i, j;
    for (j = 0; j <= b.length; j++) row[j] = j;
    for (i = 1; i <= a.length; i++) {
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
  function parse(text) {
    if (Array.from(text).length > 2000) throw new Mistake('too-long', 2000, 'The search has more than 2000 characters.', 'Ask for less at once.');
    return new Reader(text).whole();
  }
  function walk(tree, call) {
    if (!tree) return;
    (tree.or || tree.and || (tree.not ? [tree.not] : [])).forEach(function (one) { walk(one, call); });
    if (!tree.or && !tree.and && !tree.not) call(tree);
  }
  function iso(seconds) { return new Date(seconds * 1000).toISOString().slice(0, 19) + 'Z'; }
  function told(node) {
    if (!node || node.word !== undefined) return node;
    if (node.not) return {not: told(node.not)};
    if (node.or) return {or: node.or.map(told)};
    if (node.and) return {and: node.and.map(told)};
    var made = Object.assign({}, node);
    if (made.value && made.value.seconds !== undefined) {
      if (made.value.day) made.day = true;
      made.value = iso(made.value.seconds);
    }
    return made;
  }
  tagline.query = {
    parse: parse, walk: walk, Mistake: Mistake, NUMBER: NUMBER,
    /* The tree as the vectors write it. */
    tree: function (text) { var found = parse(text); return {as_of: found.asOf === null ? null : iso(found.asOf), where: told(found.where)}; }
  };
})();

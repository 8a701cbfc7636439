/* An artifact: charts of its metrics and the timeline of its stages, both drawn from the tables of the page. */
(function () {
  'use strict';
  var t = tagline, h = t.h, s = t.s;

  function charts() {
    var table = document.getElementById('metrics-table'), into = document.getElementById('charts');
    if (!table || !into || !window.uPlot) return;
    var names = Array.prototype.slice.call(table.tHead.rows[0].cells, 1).map(function (cell) { return cell.textContent; });
    var rows = Array.prototype.slice.call(table.tBodies[0].rows).reverse();
    if (rows.length < 2) { into.remove(); return; }
    var styles = getComputedStyle(document.documentElement);
    var ink = styles.getPropertyValue('--dim').trim(), line = styles.getPropertyValue('--line').trim(), blue = styles.getPropertyValue('--link').trim();
    var versions = rows.map(function (row) { return row.cells[0].textContent.trim(); });
    var places = rows.map(function (_, at) { return at; });
    names.forEach(function (name, column) {
      var values = rows.map(function (row) {
        var value = parseFloat(row.cells[column + 1].textContent);
        return isFinite(value) ? value : null;
      });
      if (values.filter(function (value) { return value !== null; }).length < 2) return;
      var box = h('figure', {'class': 'chart', 'aria-label': name + ' over versions: the table below says the same'}, h('figcaption', {}, name));
      into.append(box);
      var axis = {stroke: ink, grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1}, font: '11px system-ui, sans-serif'};
      var plot = new uPlot({
        width: Math.max(240, box.clientWidth - 2), height: 150, legend: {show: false}, cursor: {y: false},
        scales: {x: {time: false}},
        axes: [
          Object.assign({}, axis, {size: 34, splits: function () { return places; }, space: 60, values: function (_, at) {
            var step = Math.ceil(at.length / Math.max(2, Math.floor(box.clientWidth / 80)));
            return at.map(function (one, number) { return number % step === 0 ? versions[one] : ''; });
          }}),
          Object.assign({}, axis, {size: 58, space: 26, values: function (_, at) { return at.map(function (one) { return String(+one.toPrecision(4)); }); }})
        ],
        series: [{}, {label: name, stroke: blue, width: 2, spanGaps: true, points: {size: 6}}]
      }, [places, values], box);
      window.addEventListener('resize', t.later(function () { plot.setSize({width: Math.max(240, box.clientWidth - 2), height: 150}); }));
    });
    if (!into.children.length) into.remove();
  }

  function timeline() {
    var into = document.getElementById('timeline'), table = document.getElementById('holds');
    if (!into || !table) return;
    var now = Math.floor(Date.now() / 1000);
    var spans = Array.prototype.map.call(table.tBodies[0].rows, function (row) {
      return {stage: row.dataset.stage, version: row.dataset.version, since: +row.dataset.since, until: row.dataset.until ? +row.dataset.until : Math.max(now, +row.dataset.since)};
    });
    var held = Object.create(null);
    spans.forEach(function (span) { held[span.stage] = true; });
    var known = into.dataset.stages.split(' ').filter(function (stage) { return held[stage]; });
    var stages = known.concat(Object.keys(held).filter(function (stage) { return known.indexOf(stage) < 0; }));
    var first = Math.min.apply(null, spans.map(function (span) { return span.since; }));
    var last = Math.max.apply(null, spans.map(function (span) { return span.until; }));
    var width = Math.max(320, into.clientWidth), left = Math.min(110, width / 4), band = 30, height = stages.length * band + 24;
    function x(time) { return left + (width - left - 8) * (last > first ? (time - first) / (last - first) : 0); }
    var svg = s('svg', {viewBox: '0 0 ' + width + ' ' + height, width: width, height: height, role: 'img', 'aria-label': into.getAttribute('aria-label')});
    stages.forEach(function (stage, at) {
      svg.append(s('text', {x: 0, y: at * band + 19, 'class': 'label'}, stage.length > 16 ? stage.slice(0, 15) + '…' : stage));
      svg.append(s('line', {x1: left, x2: width, y1: at * band + band - 2, y2: at * band + band - 2, 'class': 'rule'}));
    });
    spans.forEach(function (span) {
      var at = stages.indexOf(span.stage), from = x(span.since), wide = Math.max(2, x(span.until) - from);
      var group = s('g', {});
      group.append(s('title', {}, span.stage + ' ' + (span.version || 'a commit') + ' from ' + new Date(span.since * 1000).toISOString().slice(0, 10)));
      group.append(s('rect', {x: from, y: at * band + 4, width: Math.max(1, wide - 1), height: band - 10, rx: 3, 'class': 'span'}));
      if (wide > 50) group.append(s('text', {x: from + 5, y: at * band + 18, 'class': 'in'}, span.version || 'a commit'));
      svg.append(group);
    });
    [first, last].forEach(function (time, at) {
      svg.append(s('text', {x: at ? width - 2 : left, y: height - 6, 'class': 'tick', 'text-anchor': at ? 'end' : 'start'},
        at && last >= now - 60 ? 'now' : new Date(time * 1000).toISOString().slice(0, 10)));
    });
    into.replaceChildren(svg);
  }

  function pick() {
    var form = document.getElementById('pick');
    if (!form) return;
    var help = document.getElementById('pick-help');
    function chosen() { return Array.prototype.filter.call(form.elements, function (one) { return one.name === 'version' && one.checked; }).map(function (one) { return one.value; }); }
    form.addEventListener('submit', function (event) {
      event.preventDefault();
      var two = chosen();
      if (two.length !== 2) { help.textContent = 'Choose two versions: ' + two.length + ' chosen.'; return; }
      var key = [form.dataset.repository, form.dataset.artifact];
      location.href = t.base + 'compare.html#a=' + t.encoded(JSON.stringify(key.concat(two[1]))) + '&b=' + t.encoded(JSON.stringify(key.concat(two[0])));
    });
  }
  timeline();
  charts();
  pick();
})();

/* A version: its lineage as layers, drawn from the table of the page. dagre places, the rest is ours. */
(function () {
  'use strict';
  var t = tagline, s = t.s, into = document.getElementById('graph'), table = document.getElementById('inputs');
  if (!into || !table || !window.dagre) return;
  var most = 80, rows = Array.prototype.slice.call(table.tBodies[0].rows);
  if (rows.length > most * 3) { into.remove(); return; }
  var graph = new dagre.graphlib.Graph();
  graph.setGraph({rankdir: 'LR', nodesep: 14, ranksep: 44, marginx: 8, marginy: 8});
  graph.setDefaultEdgeLabel(function () { return {}; });
  function cut(text) { return text.length > 28 ? '…' + text.slice(-27) : text; }
  function node(id, label, kind, full) {
    if (!graph.hasNode(id)) graph.setNode(id, {label: cut(label), full: full || label, kind: kind, width: Math.max(56, cut(label).length * 7.1 + 22), height: 30});
    return id;
  }
  var read = {}, own = into.dataset.path, last = [];
  rows.forEach(function (row) {
    var step = row.dataset.step, path = row.dataset.path || row.cells[5].textContent, kind = row.dataset.kind;
    if (!path) return;
    var file = node('f' + path, path, kind === 'out' ? 'made' : kind === 'data' ? 'data' : 'read');
    if (kind === 'data') graph.node(file).kind = 'data';
    if (kind === 'out') graph.node(file).kind = 'made';
    if (!step) { last.push(file); return; }
    var run = node('s' + step, step, 'step');
    if (kind === 'out') graph.setEdge(run, file);
    else { graph.setEdge(file, run); read[file] = true; }
  });
  if (graph.nodeCount() > most) { into.remove(); return; }
  if (own && graph.hasNode('f' + own)) {
    var made = graph.node('f' + own);
    made.kind = 'own';
    made.label = cut(into.dataset.name);
    made.full = into.dataset.name + ': ' + own;
    made.width = Math.max(made.width, made.label.length * 7.1 + 22);
  } else {
    var end = node('own', into.dataset.name, 'own');
    graph.nodes().forEach(function (id) {
      if (id !== end && !(graph.successors(id) || []).length) graph.setEdge(id, end);
    });
  }
  dagre.layout(graph);
  var size = graph.graph();
  var svg = s('svg', {viewBox: '0 0 ' + Math.ceil(size.width) + ' ' + Math.ceil(size.height), width: Math.ceil(size.width), height: Math.ceil(size.height), role: 'img', 'aria-label': into.getAttribute('aria-label')});
  var defs = s('defs', {}), marker = s('marker', {id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto'});
  marker.append(s('path', {d: 'M0 0L8 4L0 8z', 'class': 'head'}));
  defs.append(marker);
  svg.append(defs);
  graph.edges().forEach(function (edge) {
    var points = graph.edge(edge).points;
    var way = 'M' + points.map(function (point) { return point.x.toFixed(1) + ' ' + point.y.toFixed(1); }).join('L');
    svg.append(s('path', {d: way, 'class': 'edge', 'marker-end': 'url(#arrow)'}));
  });
  graph.nodes().forEach(function (id) {
    var one = graph.node(id), group = s('g', {'class': 'node ' + one.kind});
    group.append(s('title', {}, one.full));
    group.append(s('rect', {x: (one.x - one.width / 2).toFixed(1), y: (one.y - one.height / 2).toFixed(1), width: one.width.toFixed(1), height: one.height, rx: one.kind === 'step' ? 15 : 4}));
    group.append(s('text', {x: one.x.toFixed(1), y: (one.y + 4).toFixed(1), 'text-anchor': 'middle'}, one.label));
    svg.append(group);
  });
  into.replaceChildren(svg);
  into.tabIndex = 0;
})();

"""What the sample project is written in: its pipelines, its scripts, its manifests. Standard library only."""

from __future__ import annotations

import random

POLICY = """\
stages:
  staging: {}
  prod:
    after: [staging]
    approvals: {count: 1, from: [bob, carol]}
    gates:
      - {metric: accuracy, min: 0.2}
      - {metric: test.log_loss, not_worse_than: prod, direction: min, tolerance: 5}
"""

MANIFEST = """\
churn: {type: model, path: models/churn.pkl, metrics: metrics/eval.json, description: who leaves}
customers: {type: dataset, path: data/prepared}
"""
SUB_MANIFEST = "report: {type: model, path: report.pkl, metrics: report.json}\n"

PIPELINE = """\
stages:
  prepare:
    cmd: python3 -S src/prepare.py
    deps: [data/raw.csv, data/shops.csv, src/common, src/prepare.py]
    params: [prepare.split, seed]
    outs: [data/prepared]
  train:
    cmd: python3 -S src/train.py
    deps: [data/prepared, data/holidays.csv, src/common, src/train.py]
    params: [train, seed]
    outs: [models/churn.pkl]
    metrics:
      - metrics/train.toml: {cache: false}
  evaluate:
    cmd: python3 -S src/evaluate.py ${cut}
    deps: [models/churn.pkl, data/prepared/test.csv, src/evaluate.py]
    params:
      - config/eval.json: [threshold, report]
    outs:
      - reports: {cache: false}
    metrics:
      - metrics/eval.json: {cache: false}
      - metrics/eval.yaml
    plots:
      - plots/roc.csv: {x: fpr, y: tpr}
  baseline:
    cmd: python3 -S src/baseline.py
    deps: [data/prepared, src/baseline.py]
    params: [baseline]
    outs: [models/baseline.pkl]
    metrics:
      - metrics/baseline.json: {cache: false}
metrics: [metrics/people.yaml]
vars: [{cut: 3}]
"""

SUB_PIPELINE = """\
stages:
  score:
    matrix: {region: [eu, us]}
    wdir: regional
    cmd: python3 -S ../code/score.py ${item.region}
    deps: [../../models/churn.pkl, ../code/score.py]
    params:
      - ../limits.yaml: [limit]
    outs: ["${item.region}.csv"]
  each:
    foreach: [a, b]
    do:
      wdir: ${item}
      cmd: printf '%s' ${item} > out.txt
      outs: [out.txt]
  report:
    cmd:
      - python3 -S code/report.py
      - printf done > done.txt
    deps: [regional/eu.csv, regional/us.csv, code/report.py]
    outs: [report.pkl, done.txt]
    metrics:
      - report.json: {cache: false}
"""

PARAMS = """\
seed: 7
prepare: {split: 0.7}
train:
  lr: 0.1
  epochs: 3
  layers: [4, 2]
  schedule: {kind: step, every: 1}
baseline: {kind: mean}
unused: of nobody
"""

_COMMON = """\
import csv, json, pathlib, pickle, random, sys

def rows(path):
    with open(path) as file:
        return [[float(x) for x in row] for row in csv.reader(file)]

def put(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

def params():
    # A tiny reader: two levels, flow or block.
    found, top = {}, None
    for line in open('params.yaml'):
        name, _, value = line.strip().partition(': ')
        if not line.startswith(' '):
            top = name.rstrip(':')
        key = name.rstrip(':') if not line.startswith(' ') else top + '.' + name
        found[key] = value
    return found
"""
_IMPORT = "import sys\nsys.path.insert(0, 'src')\nsys.dont_write_bytecode = True\nfrom common.tools import *\n"

FILES = {
    "dvc.yaml": PIPELINE,
    "artifacts.yaml": MANIFEST,
    "params.yaml": PARAMS,
    "config/eval.json": '{"threshold": 0.5, "report": {"digits": 4, "title": "churn"}, "other": 1}',
    "metrics/people.yaml": "reviewers: 2\nrating: {mean: 4.5}\n",
    "src/common/__init__.py": "",
    "src/common/tools.py": _COMMON,
    "src/prepare.py": _IMPORT
    + """\
known = params()
split = float(known['prepare'].partition('split: ')[2].rstrip('}'))
data = rows('data/raw.csv') + rows('data/shops.csv')
random.Random(int(known['seed'])).shuffle(data)
cut = int(len(data) * split)
for name, part in (('train', data[:cut]), ('test', data[cut:])):
    put(f'data/prepared/{name}.csv', ''.join(f'{x},{y}\\n' for x, y in part))
put('data/prepared/about/rows.json', json.dumps({'rows': len(data)}))
""",
    "src/train.py": _IMPORT
    + """\
known = params()
holidays = len(rows('data/holidays.csv'))
weight, epochs = 0.0, int(known['train.epochs'])
for _ in range(epochs):
    for x, y in rows('data/prepared/train.csv'):
        weight += float(known['train.lr']) * (y - weight * x) * x / 100
put('models/churn.pkl', pickle.dumps({'weight': weight, 'holidays': holidays}, 4))
put('metrics/train.toml', f'epochs = {epochs}\\n[final]\\nloss = {abs(1 - weight):.4f}\\nconverged = true\\n')
""",
    "src/evaluate.py": _IMPORT
    + """\
import math
model = pickle.loads(open('models/churn.pkl', 'rb').read())
test = rows('data/prepared/test.csv')
limit = json.load(open('config/eval.json'))['threshold']
right = sum((model['weight'] * x > limit) == (y > 0.5) for x, y in test) / len(test)
loss = sum(abs(y - model['weight'] * x) for x, y in test) / len(test)
figures = {
    'accuracy': round(right, 4),
    'test': {'f1_score': round(right * 0.9, 4), 'log_loss': round(loss, 4), 'rows': len(test)},
    'note': 'first', 'calibrated': True, 'curve': [1, 2, 3], 'odd': math.nan, 'nothing': None, 'steady': 1,
    'text_of_digits': '5', 'by.dots': 1, 'inf': math.inf, 'zero': 0, 'empty': {},
}
put('metrics/eval.json', json.dumps(figures))
put('metrics/eval.yaml', f'latency_ms: {len(test)}\\nworst: {{loss: {loss:.4f}}}\\n')
put('plots/roc.csv', 'fpr,tpr\\n0,0\\n' + f'0.5,{right:.4f}\\n1,1\\n')
put('reports/plain/summary.txt', f'{right:.4f} {sys.argv[1]}')
put('reports/all.txt', 'all')
""",
    "src/baseline.py": _IMPORT
    + """\
data = rows('data/prepared/train.csv')
put('models/baseline.pkl', pickle.dumps(sum(y for _, y in data) / len(data), 4))
put('metrics/baseline.json', json.dumps({'accuracy': 0.5}))
""",
    "sub/artifacts.yaml": SUB_MANIFEST,
    "sub/dvc.yaml": SUB_PIPELINE,
    "sub/limits.yaml": "limit: 0.5\nother: 1\n",
    "sub/regional/keep": "",
    "sub/a/keep": "",
    "sub/b/keep": "",
    "sub/code/score.py": """\
import pathlib, pickle, sys
weight = pickle.loads(open('../../models/churn.pkl', 'rb').read())['weight']
pathlib.Path(sys.argv[1] + '.csv').write_text(f'{sys.argv[1]},{weight:.6f}\\n')
""",
    "sub/code/report.py": """\
import json, pathlib, pickle
both = [float(pathlib.Path(f'regional/{r}.csv').read_text().split(',')[1]) for r in ('eu', 'us')]
pathlib.Path('report.pkl').write_bytes(pickle.dumps(both, 4))
pathlib.Path('report.json').write_text(json.dumps({'mean_error': sum(both) / 2}))
""",
}


def raw_rows(count: int, seed: int) -> str:
    """A table of numbers: half of them leave."""
    dice = random.Random(seed)
    return "".join(f"{dice.random() * 2:.4f},{dice.randint(0, 1)}\n" for _ in range(count))


#: What v1.1.0 changes: parameters.
OTHER_PARAMS = (
    PARAMS.replace("lr: 0.1", "lr: 0.3")
    .replace("epochs: 3", "epochs: 5")
    .replace("every: 1", "every: 2")
    .replace("[4, 2]", "[4, 2, 1]\n  dropout: 0.2")
    .replace("of nobody", "still of nobody")
)
#: What v1.3.0 changes: code, and with it the figures that there are.
OTHER_TRAIN = FILES["src/train.py"].replace("/ 100", "/ 90").replace("converged = true", "converged = false")
OTHER_EVALUATE = (
    FILES["src/evaluate.py"]
    .replace(
        "'note': 'first', 'calibrated': True, 'curve': [1, 2, 3],",
        "'note': 'second', 'calibrated': False, 'recall': 0.5,",
    )
    .replace("'text_of_digits': '5'", "'text_of_digits': '7'")
)

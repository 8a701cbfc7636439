"""Which way a metric is better, by its name: a short list of names that mean one thing everywhere, and no guesses.

Only the whole last part of a name counts, so that ``accuracy_drop``, ``auc_std`` and ``f1.count`` tell nothing: to say
nothing is right, to say the wrong thing is not.
"""

from __future__ import annotations

import re

#: No name that is known is longer, and nobody searches in what a hostile file made of one.
_LONGEST = 80

_SPLIT = r"(?:(?:val|valid|validation|test|train|training|dev|eval)[_\-/ ]?)?"
_AVERAGE = r"(?:(?:mean|macro|micro|weighted)[_\- ]?)?"
_AVERAGED = r"(?:[_\- ]?(?:macro|micro|weighted))?"
_AT = r"(?:(?:[_\- ]?@|[_\- ]at[_\- ])\d{1,4})?"

# sklearn's names end in _score where it has such a function, and other people's short ones do not.
_SCORES = (
    r"(?:balanced[_\- ]?)?accuracy|roc[_\- ]?auc|average[_\- ]?precision|f(?:1|2|beta)|precision|recall|r2|jaccard"
    r"|cohen[_\- ]?kappa|ndcg|silhouette|explained[_\- ]?variance"
)
_OTHERS = (
    r"(?:balanced[_\- ]?)?acc\d*|top[_\- ]?\d+[_\- ]?acc(?:uracy)?|auc|auroc|auprc|pr[_\- ]?auc|sensitivity|specificity"
    r"|tpr|tnr|m?ap(?:[_\- ]?\d{1,3}(?:-\d{1,3})?)?|mrr|ndcg\d*|hit[_\- ]?rate|hits[_\- ]?@\d{1,4}"
    r"|bleu|rouge[_\- ]?(?:\d|l|lsum)|meteor"
    r"|m?iou|dice|kappa|mcc|matthews[_\- ]?corrcoef"
)
# What sklearn negates for its scorers, so that higher is better everywhere.
_SKLEARN_LOSSES = (
    r"log[_\- ]?loss|brier[_\- ]?score|(?:root[_\- ]?)?mean[_\- ]?squared(?:[_\- ]?log)?[_\- ]?error|max[_\- ]?error"
    r"|mean[_\- ]?absolute(?:[_\- ]?percentage)?[_\- ]?error|median[_\- ]?absolute[_\- ]?error"
    r"|mean[_\- ]?(?:poisson|gamma)[_\- ]?deviance"
)
_LOSSES = (
    r"loss|(?:hinge|hamming|zero[_\- ]?one|nll|bce|mse|cross[_\- ]?entropy)[_\- ]?loss|cross[_\- ]?entropy|nll"
    r"|brier(?:[_\- ]?score[_\- ]?loss)?|rmse|mse|mae|mape|smape|rmsle|msle|perplexity|ppl|wer|cer|fpr|fnr|ece"
    r"|error[_\- ]?rate|latency(?:[_\- ]?ms)?"
)
_HIGHER_RE = re.compile(
    rf"{_SPLIT}(?:{_AVERAGE}(?:(?:{_SCORES})(?:[_\- ]?score)?|{_OTHERS}){_AT}{_AVERAGED}"
    rf"|neg[_\- ]?(?:{_SKLEARN_LOSSES}))",
    re.IGNORECASE,
)
# A mean error alone may be a bias, of which neither end is better.
_LOWER_RE = re.compile(rf"{_SPLIT}(?:{_AVERAGE}(?:{_LOSSES})|{_SKLEARN_LOSSES}|error)", re.IGNORECASE)


def known_direction(name: str) -> bool | None:
    """Whether a metric of this name is better when it is higher; None where the name does not surely tell."""
    last = name.rpartition(".")[2]
    if len(last) > _LONGEST:
        return None
    if _HIGHER_RE.fullmatch(last):
        return True
    return False if _LOWER_RE.fullmatch(last) else None

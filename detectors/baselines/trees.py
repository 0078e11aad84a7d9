"""Forests over the features of the last event. Needs scikit-learn, of the extra `train`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble import IsolationForest as Forest
from threadpoolctl import threadpool_limits

from detectors.api import Floats, Windows

_TREES = 200
_LEAVES = 15
_ROUNDS = 150


@dataclass(frozen=True, slots=True)
class IsolationForest:
    """How few cuts set a payment apart from others (Liu et al. 2008); knows no risky direction."""

    forest: Forest

    name = "isolation_forest"

    @classmethod
    def fit(cls, windows: Windows, *, seed: int) -> "IsolationForest":
        """Grow trees on ordinary windows."""
        with threadpool_limits(1):
            return cls(Forest(n_estimators=_TREES, random_state=seed).fit(windows.last))

    @property
    def parameters(self) -> int:
        """Nodes of all trees."""
        return sum(int(tree.tree_.node_count) for tree in self.forest.estimators_)

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`."""
        with threadpool_limits(1):
            return np.asarray(-self.forest.score_samples(windows.last), np.float32)


@dataclass(frozen=True, slots=True)
class GradientBoosting:
    """Boosted trees (Friedman 2001; Ke et al. 2017): what most teams run where labels exist."""

    model: HistGradientBoostingClassifier

    name = "gradient_boosting"

    @classmethod
    def fit(cls, windows: Windows, fraud: NDArray[np.bool_], *, seed: int) -> "GradientBoosting":
        """Learn from labelled windows; a fixed number of rounds, for a random hold-out would leak.

        Raises:
            ValueError: only one kind of payment is there.
        """
        if fraud.all() or not fraud.any():
            raise ValueError(f"{int(fraud.sum())} of {len(fraud)} payments are fraud: boosting needs both kinds")
        model = HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=_ROUNDS,
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=50,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
        with threadpool_limits(1):
            return cls(model.fit(windows.last, fraud))

    @property
    def parameters(self) -> int:
        """Nodes that its trees have at most."""
        return int(self.model.n_iter_) * (2 * _LEAVES - 1)

    def score(self, windows: Windows) -> Floats:
        """See `Detector.score`: log odds of fraud."""
        with threadpool_limits(1):
            return np.asarray(self.model.decision_function(windows.last), np.float32)

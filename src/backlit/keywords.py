"""Keywords of other libraries, answered with ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

from backlit.errors import KeywordError, nearest
from backlit.recipe import settings_of

#: what other libraries call a setting, or an argument of `fit`, by our name for it, or by what to do
THEIRS = {
    "hidden": (
        "hidden_layer_sizes hidden_layers hidden_units hidden_dims hidden_size hidden_sizes layers units "
        "n_hidden num_hidden module__hidden"
    ),
    "optimizer": "solver optim optimiser algorithm",
    "weight_decay": "alpha l2 reg_alpha reg_lambda l2_regularization lambda_l2 decay",
    "learning_rate": "lr learning_rate_init eta eta0 step_size rate optimizer__lr",
    "schedule": "lr_scheduler lr_schedule scheduler learning_rate_schedule",
    "epochs": "max_iter n_epochs num_epochs max_epochs nb_epoch n_iter iterations n_estimators num_boost_round",
    "max_steps": "max_fun num_steps n_steps steps",
    "max_seconds": "max_time time_limit timeout",
    "patience": "n_iter_no_change early_stopping early_stopping_rounds",
    "batch_size": "batch bs minibatch_size iterator_train__batch_size",
    "random_state": "seed random_seed rng random",
    "progress": "verbose verbosity disp",
    "threads": "n_jobs num_threads n_threads nthread num_workers",
    "engine": "device backend",
    "activation": "act activation_function nonlinearity hidden_activation",
    "dropout": "dropout_rate drop p dropout_p",
    "loss": "loss_fn loss_function criterion objective",
    "validation_fraction": "validation_split val_size val_fraction test_size valid_size",
    "clip_norm": "max_grad_norm clipnorm gradient_clip_val grad_clip clip",
    "metric": "scoring metrics eval_metric",
    "bins": "n_bins max_bins max_bin",
    "columns": "cat_features categorical_features categorical_feature features feature_types",
    "target": "target_transform transformer y_scaler",
    "class_weight": "class_weights weight_class",
    "sample_weight": "sample_weights weights weight w",
    "sample_weight_val": "sample_weight_eval_set val_sample_weight",
    "groups": "group cluster_ids",
    "X_val and y_val, of fit": "validation_data eval_set valid_sets",
    "optimizer, as in optimizer=bl.Momentum(momentum=0.9)": "momentum nesterovs_momentum rho",
    "optimizer, as in optimizer=bl.Adam(beta2=0.99)": "beta_1 beta_2 beta1 beta2 betas epsilon eps",
    "sample_weight, of fit; NetClassifier has class_weight": "class_weight",
    "patience, or target_error": "tol",
    "nothing: rows are shuffled in every epoch": "shuffle",
}
ELSEWHERE = {theirs: ours for ours, names in THEIRS.items() for theirs in names.split()}

Method = TypeVar("Method", bound=Callable[..., Any])
T = TypeVar("T")


def strict(method: Method) -> Method:
    """The method, which answers a keyword that it does not take with the one that was meant."""
    making = method.__name__ in ("__init__", "set_params")

    @wraps(method)
    def checked(self: Any, *args: Any, **keywords: Any) -> Any:
        name, own = type(self).__name__, self._get_param_names()
        known = own if making else list(signature(method).parameters)[1:]
        where = name if making else f"{name}.{method.__name__}"
        if making and args:
            raise KeywordError("keyword.by_name", method=where, value=args[0])
        for keyword in keywords:
            if keyword not in known:
                facts = {"method": where, "keyword": keyword, "estimator": name}
                if keyword in signature(self.fit).parameters:
                    raise KeywordError("keyword.of_fit", **facts)
                raise _unknown(facts, known, own)
        return method(self, *args, **keywords)

    return cast(Method, checked)


def estimator(cls: type[T]) -> type[T]:
    """The class, a dataclass of settings, with them in its docstring; it answers a wrong keyword with the right one."""
    lines = []
    for name, one in settings_of(cls).items():
        lines += [f"    {name} : {one.help}", *([f"        None: {one.none}."] if one.none else [])]
    summary, _, rest = (cls.__doc__ or "").partition("\n\n")
    cls.__doc__ = "\n".join([f"{summary}\n", "    Parameters", "    ----------", *lines, "", rest])
    cls.__init__ = strict(cls.__init__)
    return cls


def _unknown(facts: dict[str, str], known: Sequence[str], settings: Sequence[str]) -> KeywordError:
    """The error that names what was meant by a keyword, a fact, that is not taken."""
    keyword = facts["keyword"]
    if keyword in settings:
        return KeywordError("keyword.is_setting", **facts)
    ours = ELSEWHERE.get(keyword)
    if ours is None or ours == keyword:
        return KeywordError("keyword.unknown", **facts, **nearest(keyword, known))
    if ours in known or not ours.isidentifier():
        return KeywordError("keyword.here", **facts, ours=repr(ours) if ours.isidentifier() else ours)
    return KeywordError("keyword.setting" if ours in settings else "keyword.argument", **facts, ours=ours)

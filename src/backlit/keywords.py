"""Keywords of other libraries, answered with ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

from backlit.errors import KeywordError, nearest
from backlit.recipe import settings_of

#: what other libraries call a setting, or an argument of `fit`: our name, or what to do
ELSEWHERE = {
    **dict.fromkeys(("hidden_layer_sizes", "hidden_layers", "hidden_units", "hidden_dims", "hidden_size",
                     "hidden_sizes", "layers", "units", "n_hidden", "num_hidden", "module__hidden"), "hidden"),
    **dict.fromkeys(("solver", "optim", "optimiser", "algorithm"), "optimizer"),
    **dict.fromkeys(("alpha", "l2", "reg_alpha", "reg_lambda", "l2_regularization", "lambda_l2", "decay"),
                    "weight_decay"),
    **dict.fromkeys(("lr", "learning_rate_init", "eta", "eta0", "step_size", "rate", "optimizer__lr"), "learning_rate"),
    **dict.fromkeys(("lr_scheduler", "lr_schedule", "scheduler", "learning_rate_schedule"), "schedule"),
    **dict.fromkeys(("max_iter", "n_epochs", "num_epochs", "max_epochs", "nb_epoch", "n_iter", "iterations",
                     "n_estimators", "num_boost_round"), "epochs"),
    **dict.fromkeys(("max_fun", "num_steps", "n_steps", "steps"), "max_steps"),
    **dict.fromkeys(("max_time", "time_limit", "timeout"), "max_seconds"),
    **dict.fromkeys(("n_iter_no_change", "early_stopping", "early_stopping_rounds"), "patience"),
    **dict.fromkeys(("batch", "bs", "minibatch_size", "iterator_train__batch_size"), "batch_size"),
    **dict.fromkeys(("seed", "random_seed", "rng", "random"), "random_state"),
    **dict.fromkeys(("verbose", "verbosity", "disp"), "progress"),
    **dict.fromkeys(("n_jobs", "num_threads", "n_threads", "nthread", "num_workers"), "threads"),
    **dict.fromkeys(("device", "backend"), "engine"),
    **dict.fromkeys(("act", "activation_function", "nonlinearity", "hidden_activation"), "activation"),
    **dict.fromkeys(("dropout_rate", "drop", "p", "dropout_p"), "dropout"),
    **dict.fromkeys(("loss_fn", "loss_function", "criterion", "objective"), "loss"),
    **dict.fromkeys(("validation_split", "val_size", "val_fraction", "test_size", "valid_size"), "validation_fraction"),
    **dict.fromkeys(("max_grad_norm", "clipnorm", "gradient_clip_val", "grad_clip", "clip"), "clip_norm"),
    **dict.fromkeys(("scoring", "metrics", "eval_metric"), "metric"),
    **dict.fromkeys(("n_bins", "max_bins", "max_bin"), "bins"),
    **dict.fromkeys(("cat_features", "categorical_features", "categorical_feature", "features", "feature_types"),
                    "columns"),
    **dict.fromkeys(("target_transform", "transformer", "y_scaler"), "target"),
    **dict.fromkeys(("class_weights", "weight_class"), "class_weight"),
    **dict.fromkeys(("sample_weights", "weights", "weight", "w"), "sample_weight"),
    **dict.fromkeys(("sample_weight_eval_set", "val_sample_weight"), "sample_weight_val"),
    **dict.fromkeys(("group", "cluster_ids"), "groups"),
    **dict.fromkeys(("validation_data", "eval_set", "valid_sets"), "X_val and y_val, of fit"),
    **dict.fromkeys(("momentum", "nesterovs_momentum", "rho"), "optimizer, as in optimizer=bl.Momentum(momentum=0.9)"),
    **dict.fromkeys(("beta_1", "beta_2", "beta1", "beta2", "betas", "epsilon", "eps"),
                    "optimizer, as in optimizer=bl.Adam(beta2=0.99)"),
    "class_weight": "sample_weight, of fit; NetClassifier has class_weight",
    "tol": "patience, or target_error",
    "shuffle": "nothing: rows are shuffled in every epoch",
}  # fmt: skip

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

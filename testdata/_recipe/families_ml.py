"""ai.onnx.ml: encoders, scalers, linear models, support vector machines, trees of all versions, maps."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper

from draw import Draw, allowed, build, np_type, one, opset_for, versions

ML = "ai.onnx.ml"
FLOAT_SCORES = "Scaler Normalizer FeatureVectorizer LinearRegressor LinearClassifier SVMRegressor SVMClassifier TreeEnsembleRegressor TreeEnsembleClassifier".split()
POST = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]
X = [T.FLOAT, T.DOUBLE, T.INT64, T.INT32]


def ml(d, op, feeds, outputs=("y",), attrs=None, version=None, **options):
    """A case of one ml operator, at a set that means one of its versions."""
    if version is None:
        version, _ = opset_for(d, op, ML)
    attrs = attrs or {}
    if op in FLOAT_SCORES:
        label = T.STRING if "classlabels_strings" in attrs else T.INT64
        types = {o: helper.make_tensor_type_proto(label if o == "label" else T.FLOAT, None) for o in outputs}
        options["types"] = {**types, **options.get("types", {})}
    return one(d, op, feeds, d.pick(13, 17, 21), outputs, domain=ML, ml=version, attrs=attrs, constant=0.0, **options)


def floats(d, n, lo=-2.0, hi=2.0):
    return [round(float(v), 3) for v in d.g.uniform(lo, hi, n)]


def scaler(d):
    n, f = d.int(1, 4), d.int(1, 5)
    x = d.array(d.pick(X), (n, f) if d.chance(0.8) else (f,))
    k = f if d.chance(0.7) else 1
    return ml(d, "Scaler", {"x": x}, attrs={"offset": floats(d, k), "scale": floats(d, k)})


def normalizer(d):
    x = d.array(d.pick(X), (d.int(1, 4), d.int(1, 5)) if d.chance(0.8) else (d.int(1, 5),))
    if d.chance(0.2) and x.ndim == 2:
        x[0] = 0
    return ml(d, "Normalizer", {"x": x}, attrs={"norm": d.pick("MAX", "L1", "L2")})


def imputer(d):
    n, f = d.int(1, 4), d.int(1, 4)
    k = f if d.chance(0.6) else 1
    if d.chance(0.7):
        x = np.round(d.array(d.pick(T.FLOAT, T.DOUBLE), (n, f)))
        lost = float("nan") if d.chance() else 1.0
        if lost != lost:
            x = np.where(d.g.random(x.shape) < 0.3, np.nan, x).astype(x.dtype)
        return ml(d, "Imputer", {"x": x}, attrs={"imputed_value_floats": floats(d, k), "replaced_value_float": lost})
    x = d.array(d.pick(T.INT64, T.INT32), (n, f))
    return ml(d, "Imputer", {"x": x}, attrs={"imputed_value_int64s": [d.int(-9, 9) for _ in range(k)], "replaced_value_int64": d.int(-2, 2)})


def binarizer(d):
    return ml(d, "Binarizer", {"x": d.array(d.pick(X), d.shape(1, 3))}, attrs={"threshold": floats(d, 1)[0]} if d.chance(0.8) else {})


def feature_vectorizer(d):
    n = d.int(1, 3)
    sizes = [d.int(1, 3) for _ in range(d.int(1, 4))]
    elem = d.pick(X)
    feeds = {f"x{i}": d.array(elem, (n, s)) for i, s in enumerate(sizes)}
    return ml(d, "FeatureVectorizer", feeds, attrs={"inputdimensions": sizes})


def extractor(d):
    shape = d.shape(1, 3, 5, 0)
    i = d.g.integers(0, shape[-1], d.int(1, 4)).astype(np.int64)
    x = d.array(d.pick(X + [T.STRING]), shape)
    return ml(d, "ArrayFeatureExtractor", {"x": x, "i": i if d.chance() else i.reshape(1, -1)})


def label_encoder(d):
    """All versions: strings and integers, floats and doubles, tensors as keys and values."""
    version, since = opset_for(d, "LabelEncoder", ML)
    if since == 1:
        attrs = {"classes_strings": ["a", "b", "Abc"], "default_int64": d.int(-3, 3), "default_string": "none"}
        if d.chance():
            return ml(d, "LabelEncoder", {"x": d.strings(d.shape(1, 2, 4, 0))}, attrs=attrs, version=version)
        return ml(d, "LabelEncoder", {"x": d.g.integers(-1, 4, d.shape(1, 2, 4, 0)).astype(np.int64)}, attrs=attrs, version=version)
    kinds = ["string", "int64", "float"] if since == 2 else ["string", "int64", "float"] * 2 + ["double", "int32", "int16"]
    k, v = d.pick(kinds), d.pick(kinds)
    n = d.int(1, 5)
    pool = {"string": ["a", "b", "Abc", "zz", "3.5"], "int64": [1, -2, 3, 0, 7], "float": [1.0, -2.5, 0.0, 3.25, float("nan")]}
    pool.update(double=pool["float"], int32=pool["int64"], int16=pool["int64"])
    keys = d.shuffled(pool[k])[:n]
    values = [d.pick(pool[v]) for _ in keys]
    attrs = {}

    def put(what, kind, data):
        if kind in ("string", "int64", "float") and (since == 2 or d.chance(0.7)):
            attrs[f"{what}_{kind}s"] = data
        else:
            elem = {"string": T.STRING, "int64": T.INT64, "float": T.FLOAT, "double": T.DOUBLE, "int32": T.INT32, "int16": T.INT16}[kind]
            attrs[f"{what}_tensor"] = helper.make_tensor("k", elem, [len(data)], [s.encode() for s in data] if kind == "string" else data)

    put("keys", k, keys)
    put("values", v, values)
    if d.chance(0.7) or "values_tensor" in attrs:
        if "values_tensor" in attrs:
            t = attrs["values_tensor"]
            attrs["default_tensor"] = helper.make_tensor("d", t.data_type, [1], [b"q"] if v == "string" else [5])
        else:
            attrs[f"default_{v}"] = {"string": "dflt", "int64": -9, "float": 0.125}[v]
    if "keys_tensor" in attrs and v in ("string", "int64", "float") and "values_tensor" not in attrs:
        pass
    shape = d.shape(1, 2, 5, 0)
    draw = [d.pick(pool[k] + ([9, 5] if k != "string" else ["w"])) for _ in range(int(np.prod(shape)))]
    types = {"string": object, "int64": np.int64, "float": np.float32, "double": np.float64, "int32": np.int32, "int16": np.int16}
    return ml(d, "LabelEncoder", {"x": np.array(draw, dtype=types[k]).reshape(shape)}, attrs=attrs, version=version)


def category_mapper(d):
    attrs = {"cats_int64s": [3, 1, 2], "cats_strings": ["a", "b", "Abc"], "default_int64": -4, "default_string": "none"}
    x = d.strings((4,)) if d.chance() else d.g.integers(0, 5, (2, 3)).astype(np.int64)
    return ml(d, "CategoryMapper", {"x": x}, attrs=attrs)


def one_hot_encoder(d):
    attrs = {"zeros": d.int(0, 1)} if d.chance(0.7) else {}
    if d.chance():
        attrs["cats_strings"] = ["a", "b", "Abc", "zz"]
        x = d.strings(d.shape(1, 2, 4, 0), ("a", "b", "Abc", "zz") + (("w",) if attrs.get("zeros", 1) else ()))
    else:
        attrs["cats_int64s"] = [1, 3, 5, -2]
        x = np.array([d.pick([1, 3, 5, -2] + ([0, 7] if attrs.get("zeros", 1) else [])) for _ in range(6)]).astype(np_type(d.pick(X))).reshape(d.pick([(6,), (2, 3), (6, 1)]))
    return ml(d, "OneHotEncoder", {"x": x}, attrs=attrs)


def linear_regressor(d):
    n, f, t = d.int(1, 4), d.int(1, 5), d.int(1, 3)
    attrs = {"coefficients": floats(d, f * t), "targets": t}
    if d.chance(0.7):
        attrs["intercepts"] = floats(d, t)
    if d.chance(0.3):
        attrs["post_transform"] = d.pick(POST[:3])
    return ml(d, "LinearRegressor", {"x": d.array(d.pick([T.FLOAT] * 4 + X), (n, f))}, attrs=attrs)


def linear_classifier(d):
    n, f, c = d.int(1, 4), d.int(1, 5), d.int(1, 4)
    labels = max(c, 2)
    attrs = {"coefficients": floats(d, f * c), "intercepts": floats(d, c), "multi_class": d.int(0, 1), "post_transform": d.pick(POST[:4])}
    if d.chance():
        attrs["classlabels_ints"] = d.shuffled([0, 1, 5, -3])[:labels]
    else:
        attrs["classlabels_strings"] = ["a", "b", "c", "d"][:labels]
    return ml(d, "LinearClassifier", {"x": d.array(d.pick(X), (n, f))}, ["label", "scores"], attrs=attrs)


KERNELS = ["LINEAR", "POLY", "RBF", "SIGMOID"]


def svm_regressor(d):
    n, f, k = d.int(1, 4), d.int(1, 4), d.int(1, 5)
    attrs = {"kernel_type": d.pick(KERNELS), "kernel_params": [0.4, 0.3, float(d.int(1, 3))], "support_vectors": floats(d, k * f),
             "n_supports": k, "coefficients": floats(d, k), "rho": floats(d, 1)}
    if d.chance(0.3):
        attrs["one_class"] = d.int(0, 1)
    if d.chance(0.2):  # a linear model without support vectors
        attrs = {"kernel_type": "LINEAR", "coefficients": floats(d, f), "rho": floats(d, 1), "n_supports": 0}
    return ml(d, "SVMRegressor", {"x": d.array(d.pick([T.FLOAT] * 4 + X), (n, f))}, attrs=attrs)


def svm_classifier(d):
    n, f, c = d.int(1, 4), d.int(1, 4), d.int(2, 4)
    per = [d.int(1, 3) for _ in range(c)]
    k = sum(per)
    pairs = c * (c - 1) // 2
    attrs = {"kernel_type": d.pick(KERNELS), "kernel_params": [0.4, 0.3, float(d.int(1, 3))], "support_vectors": floats(d, k * f),
             "vectors_per_class": per, "coefficients": floats(d, k * (c - 1)), "rho": floats(d, pairs), "post_transform": d.pick(POST[:4])}
    if d.chance(0.5):
        attrs["prob_a"], attrs["prob_b"] = floats(d, pairs, -2, -0.2), floats(d, pairs)
    if d.chance():
        attrs["classlabels_ints"] = d.shuffled([0, 1, 5, -3])[:c]
    else:
        attrs["classlabels_strings"] = ["a", "b", "c", "d"][:c]
    if d.chance(0.2):
        del attrs["vectors_per_class"], attrs["support_vectors"]
        attrs.pop("prob_a", 0), attrs.pop("prob_b", 0)
        attrs.update(kernel_type="LINEAR", coefficients=floats(d, c * f), rho=floats(d, 1))
    return ml(d, "SVMClassifier", {"x": d.array(d.pick(X), (n, f))}, ["label", "scores"], attrs=attrs)


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


class Trees:
    """Random trees in the node lists of TreeEnsemble*."""

    def __init__(self, d, trees, features, targets, depth=3, mixed=False):
        self.d, self.features, self.targets = d, features, targets
        self.nodes, self.leaves = [], []
        mode = d.pick(MODES)
        for t in range(trees):
            self.next = 0
            self.tree(t, d.int(0, depth), lambda: d.pick(MODES) if mixed else mode)

    def tree(self, t, depth, mode):
        d, me = self.d, self.next
        self.next += 1
        row = {"t": t, "id": me, "mode": "LEAF", "feature": 0, "value": 0.0, "true": 0, "false": 0, "missing": 0}
        self.nodes.append(row)
        if depth == 0 or d.chance(0.15):
            for k in d.some(range(self.targets), 1):
                self.leaves.append((t, me, k, floats(d, 1)[0]))
            return me
        row.update(mode=mode(), feature=d.int(0, self.features - 1), value=float(d.int(-2, 2)) if d.chance(0.3) else floats(d, 1)[0], missing=d.int(0, 1) if d.chance(0.3) else 0)
        row["true"] = self.tree(t, depth - 1, mode)
        row["false"] = self.tree(t, depth - 1, mode)
        return me

    def attrs(self, what, double=False):
        n = self.nodes
        col = lambda k: [r[k] for r in n]
        a = {"nodes_treeids": col("t"), "nodes_nodeids": col("id"), "nodes_featureids": col("feature"), "nodes_modes": col("mode"),
             "nodes_truenodeids": col("true"), "nodes_falsenodeids": col("false")}
        a[f"{what}_treeids"], a[f"{what}_nodeids"], a[f"{what}_ids"] = ([x[i] for x in self.leaves] for i in range(3))
        w, v = [x[3] for x in self.leaves], col("value")
        if double:
            a[f"{what}_weights_as_tensor"] = helper.make_tensor("w", T.DOUBLE, [len(w)], w)
            a["nodes_values_as_tensor"] = helper.make_tensor("v", T.DOUBLE, [len(v)], v)
        else:
            a[f"{what}_weights"], a["nodes_values"] = w, v
        if any(r["missing"] for r in n):
            a["nodes_missing_value_tracks_true"] = col("missing")
        return a


def tree_input(d, n, f, elem, nan):
    x = d.array(elem, (n, f))
    if elem in (T.FLOAT, T.DOUBLE):
        x = np.where(d.g.random(x.shape) < 0.2, np.round(x), x).astype(x.dtype)
        if nan:
            x = np.where(d.g.random(x.shape) < 0.2, np.nan, x).astype(x.dtype)
    return x


def tree_regressor(d):
    version, since = d.pick([(1, 1), (2, 1), (3, 3), (4, 3)])
    n, f, t = d.int(1, 6), d.int(1, 4), d.int(1, 3)
    elem = d.pick([T.FLOAT, T.FLOAT, *X]) if since < 3 else d.pick(T.FLOAT, T.DOUBLE)
    double = since == 3 and elem == T.DOUBLE and d.chance(0.7)
    trees = Trees(d, d.int(1, 4), f, t, mixed=d.chance(0.3))
    attrs = {**trees.attrs("target", double), "n_targets": t, "post_transform": d.pick(POST[:3]) if d.chance(0.3) else "NONE"}
    if d.chance(0.6):
        attrs["aggregate_function"] = d.pick("SUM", "AVERAGE", "MIN", "MAX")
    if d.chance(0.5):
        base = floats(d, t)
        if double:
            attrs["base_values_as_tensor"] = helper.make_tensor("b", T.DOUBLE, [t], base)
        else:
            attrs["base_values"] = base
    return ml(d, "TreeEnsembleRegressor", {"x": tree_input(d, n, f, elem, d.chance(0.3))}, attrs=attrs, version=version)


def tree_classifier(d):
    version, since = d.pick([(1, 1), (2, 1), (3, 3), (4, 3)])
    n, f, c = d.int(1, 6), d.int(1, 4), d.int(2, 4)
    elem = d.pick(X)
    double = since == 3 and elem == T.DOUBLE and d.chance(0.7)
    binary = c == 2 and d.chance(0.6)
    trees = Trees(d, d.int(1, 4), f, 1 if binary else c, mixed=d.chance(0.3))
    attrs = {**trees.attrs("class", double), "post_transform": d.pick(POST) if d.chance(0.7) else "NONE"}
    if attrs["post_transform"] == "PROBIT":
        attrs["post_transform"] = "NONE"
    if d.chance():
        attrs["classlabels_int64s"] = d.shuffled([0, 1, 5, -3])[:c] if d.chance(0.5) else list(range(c))
    else:
        attrs["classlabels_strings"] = ["a", "b", "c", "d"][:c]
    if d.chance(0.4):
        base = floats(d, 1 if binary and d.chance() else c)
        if double:
            attrs["base_values_as_tensor"] = helper.make_tensor("b", T.DOUBLE, [len(base)], base)
        else:
            attrs["base_values"] = base
    return ml(d, "TreeEnsembleClassifier", {"x": tree_input(d, n, f, elem, d.chance(0.3))}, ["label", "scores"], attrs=attrs, version=version)


def tree_ensemble(d):
    """Version 5: leaves in lists of their own, set membership, tensors of float, double and float16."""
    n, f, t = d.int(1, 6), d.int(1, 4), d.int(1, 3)
    elem = d.pick(T.FLOAT, T.FLOAT, T.DOUBLE, T.FLOAT16)
    roots, modes, feats, splits, trues, tleaf, falses, fleaf, missing = [], [], [], [], [], [], [], [], []
    ids, weights, members = [], [], []

    def leaf():
        ids.append(d.int(0, t - 1))
        weights.append(floats(d, 1)[0])
        return len(ids) - 1

    def grow(depth):
        me = len(modes)
        for lst in (modes, feats, splits, trues, tleaf, falses, fleaf, missing):
            lst.append(0)
        modes[me] = d.int(0, 6 if use_set else 5)
        feats[me] = d.int(0, f - 1)
        splits[me] = float(d.int(-2, 2)) if modes[me] in (4, 5, 6) else round(floats(d, 1)[0] * 8) / 8
        missing[me] = d.int(0, 1) if d.chance(0.3) else 0
        if modes[me] == 6:
            s = d.some([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0], 1, 4)
            members.extend([*s, float("nan")])
        for side, is_leaf in ((trues, tleaf), (falses, fleaf)):
            if depth == 0 or d.chance(0.2):
                is_leaf[me], side[me] = 1, leaf()
            else:
                side[me] = grow(depth - 1)
        return me

    use_set = d.chance(0.4)
    for _ in range(d.int(1, 3)):
        roots.append(grow(d.int(0, 3)))
    dt = elem
    mk = lambda name, vals, e=dt: helper.make_tensor(name, e, [len(vals)], np.array(vals).astype(np_type(e)).tobytes(), raw=True)
    attrs = {"tree_roots": roots, "nodes_modes": helper.make_tensor("m", T.UINT8, [len(modes)], modes), "nodes_featureids": feats, "nodes_splits": mk("s", splits),
             "nodes_truenodeids": trues, "nodes_trueleafs": tleaf, "nodes_falsenodeids": falses, "nodes_falseleafs": fleaf,
             "leaf_targetids": ids, "leaf_weights": mk("w", weights), "n_targets": t}
    if members:
        attrs["membership_values"] = mk("v", members)
    if any(missing):
        attrs["nodes_missing_value_tracks_true"] = missing
    if d.chance(0.7):
        attrs["aggregate_function"] = d.int(0, 3)
    if d.chance(0.3):
        attrs["post_transform"] = d.int(0, 2)
    x = tree_input(d, n, f, elem, d.chance(0.2))
    if d.chance():
        x = np.round(x)
    return ml(d, "TreeEnsemble", {"x": x}, attrs=attrs, version=5, atol=1e-3 if elem == T.FLOAT16 else 1e-5)


def map_type(key, value):
    return helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, []))


def dict_vectorizer(d):
    key, val = d.pick([(T.STRING, T.FLOAT), (T.STRING, T.INT64), (T.INT64, T.FLOAT), (T.INT64, T.DOUBLE), (T.STRING, T.DOUBLE)])
    keys = ["a", "b", "Abc", "zz"] if key == T.STRING else [1, 4, -2, 9]
    cast = int if val == T.INT64 else float
    x = {k: cast(d.int(-9, 9) / (1 if val == T.INT64 else 4)) for k in d.shuffled(keys + (["q"] if key == T.STRING else [77]))[: d.int(1, 5)]}
    words = d.shuffled(keys)
    attrs = {"string_vocabulary" if key == T.STRING else "int64_vocabulary": words}
    y = np.array([[x.get(w, 0) for w in words]], dtype=np_type(val))
    return ml(d, "DictVectorizer", {"x": x}, attrs=attrs, types={"x": map_type(key, val)}, only="ort", own={"numpy": [y]})


def cast_map(d):
    to = d.pick("TO_FLOAT", "TO_STRING", "TO_INT64")
    keys = [0, 2, 3, 7]
    text = d.chance(0.4)
    x = {k: (str(d.int(-5, 5)) if text else float(d.int(-9, 9))) for k in d.some(keys, 1)}
    attrs = {"cast_to": to}
    if d.chance():
        attrs.update(map_form="SPARSE", max_map=9)
    return ml(d, "CastMap", {"x": x}, attrs=attrs, types={"x": map_type(T.INT64, T.STRING if text else T.FLOAT)})


def zip_map(d):
    c = d.int(1, 4)
    x = d.array(T.FLOAT, (d.int(1, 4), c))
    attrs = {"classlabels_int64s": d.shuffled([0, 1, 5, -3])[:c]} if d.chance() else {"classlabels_strings": ["a", "b", "Abc", "d"][:c]}
    return ml(d, "ZipMap", {"x": x}, attrs=attrs)


def pipeline(d):
    """What converters of classical models write: scaling, a classifier, a map of scores."""
    f, c = d.int(1, 4), d.int(2, 4)
    x = d.array(T.FLOAT, (d.int(1, 5), f))
    nodes = [helper.make_node("Scaler", ["x"], ["s"], domain=ML, offset=floats(d, f), scale=floats(d, f, 0.5, 2))]
    labels = {"classlabels_strings": ["a", "b", "c", "d"][:c]}
    if d.chance():
        trees = Trees(d, d.int(1, 5), f, c)
        nodes.append(helper.make_node("TreeEnsembleClassifier", ["s"], ["label", "p"], domain=ML, **trees.attrs("class"), **labels))
    else:
        nodes.append(helper.make_node("LinearClassifier", ["s"], ["label", "q"], domain=ML, coefficients=floats(d, f * c), intercepts=floats(d, c),
                                      post_transform=d.pick("SOFTMAX", "LOGISTIC", "NONE"), **labels))
        nodes.append(helper.make_node("Normalizer", ["q"], ["p"], domain=ML, norm=d.pick("L1", "L2")))
    if d.chance(0.5):
        nodes.append(helper.make_node("ZipMap", ["p"], ["y"], domain=ML, **labels))
        kind = helper.make_sequence_type_proto(helper.make_map_type_proto(T.STRING, helper.make_tensor_type_proto(T.FLOAT, [])))
        return build(d, nodes, {"x": x}, ["label", "y"], d.pick(13, 17, 21), ml=3, constant=0, types={"y": kind, "label": helper.make_tensor_type_proto(T.STRING, None)})
    return build(d, nodes, {"x": x}, ["label", "p"], d.pick(13, 17, 21), ml=3, constant=0,
                 types={"p": helper.make_tensor_type_proto(T.FLOAT, None), "label": helper.make_tensor_type_proto(T.STRING, None)})


FAMILIES = {
    "ml_scaler": scaler, "ml_normalizer": normalizer, "ml_imputer": imputer, "ml_binarizer": binarizer, "ml_feature_vectorizer": feature_vectorizer,
    "ml_extractor": extractor, "ml_label_encoder": label_encoder, "ml_category_mapper": category_mapper, "ml_one_hot_encoder": one_hot_encoder,
    "ml_linear_regressor": linear_regressor, "ml_linear_classifier": linear_classifier, "ml_svm_regressor": svm_regressor,
    "ml_svm_classifier": svm_classifier, "ml_tree_regressor": tree_regressor, "ml_tree_classifier": tree_classifier,
    "ml_tree_ensemble": tree_ensemble, "ml_dict_vectorizer": dict_vectorizer, "ml_cast_map": cast_map, "ml_zip_map": zip_map, "ml_pipeline": pipeline,
}

"""The small convolutional network in numpy: forward, backward, Adam, and its ONNX form."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def windows(x):
    """The 3 x 3 windows of x [N, C, H, W] with one pixel of padding, as [N*H*W, C*9]."""
    n, c, h, w = x.shape
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    v = np.lib.stride_tricks.sliding_window_view(p, (3, 3), axis=(2, 3))
    return v.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * 9)


class Conv:
    """A 3 x 3 convolution with padding 1."""

    def __init__(self, cin, cout, rng):
        self.w = rng.normal(0, np.sqrt(2 / (cin * 9)), (cout, cin * 9)).astype(np.float32)
        self.b = np.zeros(cout, np.float32)

    def forward(self, x):
        n, _, h, w = x.shape
        self.shape, self.cols = x.shape, windows(x)
        return (self.cols @ self.w.T + self.b).reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, dy, need_dx=True):
        n, k, h, w = dy.shape
        d = dy.transpose(0, 2, 3, 1).reshape(-1, k)
        self.dw, self.db = d.T @ self.cols, d.sum(0)
        if not need_dx:
            return None
        c = self.shape[1]
        flip = self.w.reshape(k, c, 3, 3)[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(c, -1)
        return (windows(dy) @ flip.T).reshape(n, h, w, c).transpose(0, 3, 1, 2)


class Dense:
    """A fully connected layer."""

    def __init__(self, cin, cout, rng):
        self.w = rng.normal(0, np.sqrt(2 / cin), (cout, cin)).astype(np.float32)
        self.b = np.zeros(cout, np.float32)

    def forward(self, x):
        self.x = x
        return x @ self.w.T + self.b

    def backward(self, dy):
        self.dw, self.db = dy.T @ self.x, dy.sum(0)
        return dy @ self.w


class Relu:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


class Pool:
    """2 x 2 max pooling."""

    def forward(self, x):
        n, c, h, w = x.shape
        v = x.reshape(n, c, h // 2, 2, w // 2, 2)
        y = v.max((3, 5))
        self.mask = v == y[:, :, :, None, :, None]
        return y

    def backward(self, dy):
        d = dy[:, :, :, None, :, None] * self.mask / np.maximum(self.mask.sum((3, 5), keepdims=True), 1)
        n, c, h, _, w, _ = d.shape
        return d.reshape(n, c, 2 * h, 2 * w).astype(np.float32)


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return np.ascontiguousarray(x).reshape(len(x), -1)

    def backward(self, dy):
        return dy.reshape(self.shape)


class Network:
    """conv 8 - pool - conv 16 - pool - dense 48 - dense 10."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.layers = [Conv(1, 8, rng), Relu(), Pool(), Conv(8, 16, rng), Relu(), Pool(), Flatten(),
                       Dense(784, 48, rng), Relu(), Dense(48, 10, rng)]
        self.trained = [l for l in self.layers if hasattr(l, "w")]
        self.moments = [[np.zeros_like(p) for p in (l.w, l.w, l.b, l.b)] for l in self.trained]
        self.steps = 0

    def forward(self, x):
        for l in self.layers:
            x = l.forward(x)
        return x

    def step(self, x, y, rate):
        """One Adam step on the softmax cross-entropy; returns the loss."""
        z = self.forward(x)
        z = z - z.max(1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        rows = np.arange(len(y))
        loss = -np.log(p[rows, y] + 1e-12).mean()
        d = p
        d[rows, y] -= 1
        d /= len(y)
        for l in reversed(self.layers[1:]):
            d = l.backward(d)
        self.layers[0].backward(d, need_dx=False)
        self.steps += 1
        for l, m in zip(self.trained, self.moments):
            self.adam(l.w, l.dw, m[0], m[1], rate)
            self.adam(l.b, l.db, m[2], m[3], rate)
        return float(loss)

    def adam(self, p, g, m, v, rate):
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        p -= rate * (m / (1 - 0.9**self.steps)) / (np.sqrt(v / (1 - 0.999**self.steps)) + 1e-8)

    def accuracy(self, x, y):
        hits = sum((self.forward(x[i:i + 500]).argmax(1) == y[i:i + 500]).sum() for i in range(0, len(y), 500))
        return hits / len(y)

    def onnx(self):
        """The trained network as a plain ONNX model with a dynamic batch."""
        c1, c2, d1, d2 = self.trained
        tensors = {"conv1.weight": c1.w.reshape(8, 1, 3, 3), "conv1.bias": c1.b,
                   "conv2.weight": c2.w.reshape(16, 8, 3, 3), "conv2.bias": c2.b,
                   "dense1.weight": d1.w, "dense1.bias": d1.b, "dense2.weight": d2.w, "dense2.bias": d2.b}
        inits = [numpy_helper.from_array(np.ascontiguousarray(v, np.float32), k) for k, v in tensors.items()]
        conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        pool = dict(kernel_shape=[2, 2], strides=[2, 2])
        node = helper.make_node
        nodes = [
            node("Conv", ["image", "conv1.weight", "conv1.bias"], ["c1"], name="conv1", **conv),
            node("Relu", ["c1"], ["r1"], name="relu1"),
            node("MaxPool", ["r1"], ["p1"], name="pool1", **pool),
            node("Conv", ["p1", "conv2.weight", "conv2.bias"], ["c2"], name="conv2", **conv),
            node("Relu", ["c2"], ["r2"], name="relu2"),
            node("MaxPool", ["r2"], ["p2"], name="pool2", **pool),
            node("Flatten", ["p2"], ["f"], name="flatten"),
            node("Gemm", ["f", "dense1.weight", "dense1.bias"], ["d1"], name="dense1", transB=1),
            node("Relu", ["d1"], ["r3"], name="relu3"),
            node("Gemm", ["r3", "dense2.weight", "dense2.bias"], ["logits"], name="dense2", transB=1),
            node("Softmax", ["logits"], ["probability"], name="softmax", axis=1),
        ]
        graph = helper.make_graph(
            nodes, "digits",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])],
            [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch", 10])], inits)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="onnxrun")
        model.ir_version = 9
        model.doc_string = "Reads one printed digit, 28 x 28 grey values in [0, 1], dark on light or light on dark."
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()

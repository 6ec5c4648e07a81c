package ops

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// mlKernelFunc is the kernel function of a support vector machine.
type mlKernelFunc struct {
	kind         string
	gamma, coef0 float32
	power        [1]float32
}

func mlKernelFuncOf(a Attrs) (mlKernelFunc, error) {
	f := mlKernelFunc{kind: a.Str("kernel_type"), power: [1]float32{1}}
	switch f.kind {
	case "":
		f.kind = "LINEAR"
	case "LINEAR", "POLY", "RBF", "SIGMOID":
	default:
		return f, fmt.Errorf("ops: kernel_type is %q", f.kind)
	}
	if p := a.FloatList("kernel_params"); len(p) >= 3 {
		f.gamma, f.coef0, f.power[0] = p[0], p[1], p[2]
	} else if len(p) > 0 {
		return f, fmt.Errorf("ops: %d kernel_params, want 3", len(p))
	}
	return f, nil
}

// of sets each element of dst to the kernel function of x and a row of vectors.
func (f *mlKernelFunc) of(dst, x, vectors []float32) {
	pair := vec.Dot
	if f.kind == "RBF" {
		pair = squaredDistance
	}
	for i := range dst {
		dst[i] = pair(x, vectors[i*len(x):][:len(x)])
	}
	switch f.kind {
	case "RBF":
		vec.ScaleShift(dst, dst, -f.gamma, 0)
		vec.Exp(dst, dst)
	case "POLY":
		vec.ScaleShift(dst, dst, f.gamma, f.coef0)
		vec.Pow(dst, dst, f.power[:])
	case "SIGMOID":
		vec.ScaleShift(dst, dst, f.gamma, f.coef0)
		vec.Tanh(dst, dst)
	}
}

func squaredDistance(a, b []float32) float32 {
	sum := float32(0)
	for i, v := range a {
		d := v - b[i]
		sum += float32(d * d)
	}
	return sum
}

// mlSVM is a support vector machine, or a linear one where there are no support vectors.
type mlSVM struct {
	mlKernelFunc
	vectors     []float32 // count rows of width
	coef, rho   []float32
	count       int
	width       int
	probA       []float32
	probB       []float32
	perClass    []int64
	post        mlPost
	oneClass    bool
	positive    bool // no coefficient is negative
	labels      mlLabels
	columns     int // per sample in the output
	classifiers int // pairs of classes
}

func newSVM(a Attrs, count int64) (*mlSVM, error) {
	m := &mlSVM{vectors: a.FloatList("support_vectors"), coef: a.FloatList("coefficients"), rho: a.FloatList("rho")}
	var err error
	if m.mlKernelFunc, err = mlKernelFuncOf(a); err != nil {
		return nil, err
	}
	if m.post, err = mlPostOf(a); err != nil {
		return nil, err
	}
	if len(m.rho) == 0 || len(m.coef) == 0 {
		return nil, fmt.Errorf("ops: a support vector machine needs rho and coefficients")
	}
	if count > 0 {
		if int64(len(m.vectors)) < count || int64(len(m.vectors))%count != 0 {
			return nil, fmt.Errorf("ops: %d numbers for %d support vectors", len(m.vectors), count)
		}
		m.count, m.width = int(count), len(m.vectors)/int(count)
	}
	return m, nil
}

func svmRegressorInfer(c *InferCtx) error { return mlScores(c, 1) }

func svmRegressorKernel(k *KernelCtx) (Kernel, error) {
	m, err := newSVM(k.Attrs, int64(k.Int("n_supports")))
	if err != nil {
		return Kernel{}, err
	}
	m.oneClass = k.Bool("one_class")
	if m.count == 0 { // a linear machine: the coefficients are its only vector
		m.mlKernelFunc, m.width = mlKernelFunc{kind: "LINEAR"}, len(m.coef)
	} else if len(m.coef) < m.count {
		return Kernel{}, fmt.Errorf("ops: %d coefficients for %d support vectors", len(m.coef), m.count)
	}
	m.columns = 1
	return m.bind(nil, m.regress), nil
}

// regress is the score of one sample.
func (m *mlSVM) regress(t *svmTask, row int, x, out []float32) {
	s := m.rho[0]
	if m.count == 0 {
		s += vec.Dot(x, m.coef)
	} else {
		kernels := t.work[row*t.need:][:m.count]
		m.of(kernels, x, m.vectors)
		s += vec.Dot(kernels, m.coef[:m.count])
	}
	if m.oneClass {
		if s > 0 {
			s = 1
		} else {
			s = -1
		}
	}
	out[0] = s
}

// svmShape returns the number of classes, support vectors and columns of the output of a classifier.
func svmShape(a Attrs) (classes int, vectors int64, columns int, err error) {
	l := linearLabels(a)
	per := a.IntList("vectors_per_class")
	classes = l.len()
	for _, n := range per {
		if n < 0 || n > math.MaxInt32 {
			return 0, 0, 0, fmt.Errorf("ops: vectors_per_class is %v", per)
		}
		vectors += n
	}
	if classes < 1 || classes > 1<<15 || vectors > 0 && len(per) != classes {
		return 0, 0, 0, fmt.Errorf("ops: %d class labels for %d classes", classes, len(per))
	}
	columns = classes
	if vectors > 0 && len(a.FloatList("prob_a")) == 0 {
		columns = max(2, classes*(classes-1)/2)
	}
	return classes, vectors, columns, nil
}

func svmClassifierInfer(c *InferCtx) error {
	_, _, columns, err := svmShape(c.Attrs)
	if err != nil {
		return err
	}
	return mlClassified(c, len(c.StrList("classlabels_strings")) > 0, columns)
}

func svmClassifierKernel(k *KernelCtx) (Kernel, error) {
	classes, vectors, columns, err := svmShape(k.Attrs)
	if err != nil {
		return Kernel{}, err
	}
	m, err := newSVM(k.Attrs, vectors)
	if err != nil {
		return Kernel{}, err
	}
	m.labels, m.columns, m.classifiers, m.positive = linearLabels(k.Attrs), columns, classes*(classes-1)/2, true
	m.probA, m.probB, m.perClass = k.FloatList("prob_a"), k.FloatList("prob_b"), k.IntList("vectors_per_class")
	for _, v := range m.coef {
		m.positive = m.positive && v >= 0
	}
	if m.count == 0 {
		m.mlKernelFunc, m.width = mlKernelFunc{kind: "LINEAR"}, len(m.coef)/classes
		return m.bind(&m.labels, m.classifyLinear), nil
	}
	p := len(m.probA)
	if len(m.coef) < (classes-1)*m.count || len(m.rho) < m.classifiers || len(m.probB) != p || p > 0 && p < m.classifiers {
		return Kernel{}, fmt.Errorf("ops: %d coefficients, %d rho, %d and %d prob for %d classes and %d support vectors", len(m.coef), len(m.rho), p, len(m.probB), classes, m.count)
	}
	return m.bind(&m.labels, m.classify), nil
}

func (m *mlSVM) classifyLinear(t *svmTask, row int, x, out []float32) {
	best := 0
	for k := range out {
		out[k] = vec.Dot(x, m.coef[k*m.width:][:m.width]) + m.rho[0]
		if out[k] > out[best] {
			best = k
		}
	}
	top := out[best]
	if len(out) == 2 && (m.positive && top >= 0.5 || !m.positive && top > 0) {
		best = 1
	}
	t.labels.put(row, best)
	mlApplyPost(m.post, out)
}

// Chunk scores a range of samples.
func (t *svmTask) Chunk(i int) {
	lo, hi := par.Range(i, t.grain, t.rows)
	for row := lo; row < hi; row++ {
		t.sample(t, row, t.x[row*t.width:][:t.width], t.out[row*t.columns:][:t.columns])
	}
}

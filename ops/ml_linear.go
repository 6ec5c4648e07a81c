package ops

import (
	"fmt"
	"sync"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// mlLinear is a linear model: one dot product and intercept per target. It computes in float32 whatever its input is.
type mlLinear struct {
	coef, intercept []float32
	targets, width  int
	columns         int // per sample in the output
	post            mlPost
	pair            int // how a single score becomes two columns
	labels          mlLabels
	tasks           sync.Pool // of *linearTask
}

// linearTask is one call; a chunk is a range of samples.
type linearTask struct {
	*mlLinear
	x, out      []float32
	rows, grain int
	labelsOut   mlLabelSink
}

func newLinear(a Attrs, targets int) (*mlLinear, error) {
	m := &mlLinear{coef: a.FloatList("coefficients"), intercept: a.FloatList("intercepts"), targets: targets, columns: targets}
	if targets < 1 || len(m.coef) == 0 || len(m.coef)%targets != 0 {
		return nil, fmt.Errorf("ops: %d coefficients for %d targets", len(m.coef), targets)
	}
	m.width = len(m.coef) / targets
	if len(m.intercept) == 0 {
		m.intercept = make([]float32, targets)
	}
	if len(m.intercept) < targets {
		return nil, fmt.Errorf("ops: %d intercepts for %d targets", len(m.intercept), targets)
	}
	var err error
	m.post, err = mlPostOf(a)
	return m, err
}

func (m *mlLinear) run(c *Call, output int) error {
	rows, width, err := mlRows(c.In[0].Shape())
	if err != nil {
		return err
	}
	if width != m.width {
		return fmt.Errorf("ops: samples have %d features, want %d", width, m.width)
	}
	t, _ := m.tasks.Get().(*linearTask)
	if t == nil {
		t = &linearTask{mlLinear: m}
	}
	t.rows = rows
	t.x, _ = mlInput[float32](c)
	z, err := mlOut(c, output, tensor.Float32, rows, m.columns)
	if err == nil && output > 0 {
		t.labelsOut, err = m.labels.open(c, 0, rows)
	}
	if err == nil {
		t.out = tensor.Of[float32](z)
		chunks := 0
		chunks, t.grain = par.Split(rows, max(1, 1<<16/len(m.coef)))
		par.Run(c.Threads, chunks, t)
	}
	t.x, t.out, t.labelsOut = nil, nil, mlLabelSink{}
	m.tasks.Put(t)
	return err
}

// Chunk scores a range of samples.
func (t *linearTask) Chunk(i int) {
	lo, hi := par.Range(i, t.grain, t.rows)
	for row := lo; row < hi; row++ {
		x, s := t.x[row*t.width:][:t.width], t.out[row*t.columns:][:t.columns]
		for k := range t.targets {
			s[k] = vec.Dot(x, t.coef[k*t.width:][:t.width]) + t.intercept[k]
		}
		t.finish(row, s)
	}
}

// finish writes label and scores of a sample.
func (t *linearTask) finish(row int, s []float32) {
	if t.targets > 1 {
		best := 0
		for k, v := range s {
			if v > s[best] {
				best = k
			}
		}
		t.labelsOut.put(row, best)
		mlApplyPost(t.post, s)
		return
	}
	class := 0
	if s[0] > 0 {
		class = 1
	}
	t.labelsOut.put(row, class)
	if t.columns > 1 {
		s[0], s[1] = mlPairScores(t.post, s[0], t.pair)
	} else {
		s[0], _ = mlPairScores(t.post, s[0], t.pair)
	}
}

func linearRegressorInfer(c *InferCtx) error {
	n := c.IntOr("targets", 1)
	if n < 1 {
		return fmt.Errorf("ops: targets is %d", n)
	}
	return mlScores(c, n)
}

func linearRegressorKernel(k *KernelCtx) (Kernel, error) {
	m, err := newLinear(k.Attrs, k.IntOr("targets", 1))
	if err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: func(c *Call) error { return m.run(c, 0) }, Scratch: mlInputBytes[float32]}, nil
}

func linearLabels(a Attrs) mlLabels {
	return mlClassLabels(a, "classlabels_ints", "classlabels_strings")
}

// linearClasses returns the number of scores that are computed and that are put out.
func linearClasses(a Attrs) (targets, columns int) {
	l := linearLabels(a)
	targets = len(a.FloatList("intercepts"))
	if targets == 0 {
		targets = l.len()
	}
	if targets == 1 && l.len() == 2 {
		return 1, 2
	}
	return targets, targets
}

func linearClassifierInfer(c *InferCtx) error {
	_, n := linearClasses(c.Attrs)
	return mlClassified(c, len(c.StrList("classlabels_strings")) > 0, n)
}

func linearClassifierKernel(k *KernelCtx) (Kernel, error) {
	targets, columns := linearClasses(k.Attrs)
	m, err := newLinear(k.Attrs, targets)
	if err != nil {
		return Kernel{}, err
	}
	m.columns, m.labels = columns, linearLabels(k.Attrs)
	if columns > targets {
		m.pair = pairProb
	}
	if targets == 1 && m.labels.len() != 2 {
		m.labels = binaryLabels(len(m.labels.strs) > 0)
	}
	if err := m.labels.check(targets); err != nil {
		return Kernel{}, err
	}
	return Kernel{Run: func(c *Call) error { return m.run(c, 1) }, Scratch: mlInputBytes[float32]}, nil
}

// binaryLabels are the labels of a model that decides between two classes without naming them.
func binaryLabels(strings bool) mlLabels {
	if strings {
		return mlLabels{strs: []string{"0", "1"}}
	}
	return mlLabels{ints: []int64{0, 1}}
}

package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onnxrun/onnxrun/internal/par"
	"github.com/onnxrun/onnxrun/tensor"
)

// svmTask is one call of a machine; a chunk is a range of samples.
type svmTask struct {
	*mlSVM
	sample      func(t *svmTask, row int, x, out []float32)
	x, out      []float32
	work        []float32 // need numbers for every sample
	need        int
	rows, grain int
	labels      mlLabelSink
}

// bind makes a kernel of the function that scores one sample; labels are those of a classifier.
func (m *mlSVM) bind(labels *mlLabels, sample func(t *svmTask, row int, x, out []float32)) Kernel {
	var tasks sync.Pool
	classes := m.labels.len()
	need := m.count + m.classifiers + classes*(2*classes+2)
	if m.count == 0 {
		need = 0
	}
	run := func(c *Call) error {
		rows, width, err := mlRows(c.In[0].Shape())
		if err != nil {
			return err
		}
		if width != m.width {
			return fmt.Errorf("ops: samples have %d features, want %d", width, m.width)
		}
		t, _ := tasks.Get().(*svmTask)
		if t == nil {
			t = &svmTask{mlSVM: m, sample: sample, need: need}
		}
		t.rows = rows
		var rest []byte
		t.x, rest = mlInput[float32](c)
		t.work, _ = carve[float32](rest, rows*need)
		output := 0
		if labels != nil {
			output = 1
			t.labels, err = labels.open(c, 0, rows)
		}
		if err == nil {
			var z *tensor.Tensor
			if z, err = mlOut(c, output, tensor.Float32, rows, m.columns); err == nil {
				t.out = tensor.Of[float32](z)
				chunks := 0
				chunks, t.grain = par.Split(rows, max(1, 1<<14/(1+m.count*m.width)))
				par.Run(c.Threads, chunks, t)
			}
		}
		t.x, t.out, t.work, t.labels = nil, nil, nil, mlLabelSink{}
		tasks.Put(t)
		return err
	}
	scratch := func(c *Call) int {
		rows, _, err := mlRows(c.In[0].Shape())
		if err != nil {
			return 0
		}
		return mlInputBytes[float32](c) + carveBytes(rows*need, 4)
	}
	return Kernel{Run: run, Scratch: scratch}
}

// classify lets every pair of classes vote on a sample.
func (m *mlSVM) classify(t *svmTask, row int, x, out []float32) {
	n := m.labels.len()
	w := t.work[row*t.need:][:t.need]
	kernels, w := w[:m.count], w[m.count:]
	scores, w := w[:m.classifiers], w[m.classifiers:]
	votes, w := w[:n], w[n:]
	clear(votes)
	m.of(kernels, x, m.vectors)
	m.duel(scores, votes, kernels)
	if len(m.probA) > 0 {
		m.probabilities(out, scores, w)
	} else {
		copy(out, scores)
	}
	best := 0
	for k, v := range votes {
		if v > votes[best] {
			best = k
		}
	}
	t.labels.put(row, best)
	switch {
	case len(m.probA) > 0 || n > 2:
		mlApplyPost(m.post, out)
	default:
		pair := pairProb
		if m.post == postNone {
			pair = pairMargin
		}
		s := float32(0)
		if m.classifiers > 0 {
			s = scores[0]
		}
		out[0], out[1] = mlPairScores(m.post, s, pair)
	}
}

// duel computes the score of every pair of classes i < j and gives the winner a vote. The coefficients of class j's
// duel with i stand in row j-1 for the vectors of i, and in row i for those of j.
func (m *mlSVM) duel(scores, votes, kernels []float32) {
	k, startI := 0, 0
	for i := range votes {
		endI := startI + int(m.perClass[i])
		startJ := endI
		for j := i + 1; j < len(votes); j++ {
			endJ := startJ + int(m.perClass[j])
			sum := 0.0
			for v := startI; v < endI; v++ {
				sum += float64(m.coef[(j-1)*m.count+v] * kernels[v])
			}
			for v := startJ; v < endJ; v++ {
				sum += float64(m.coef[i*m.count+v] * kernels[v])
			}
			sum += float64(m.rho[k])
			scores[k] = float32(sum)
			if sum > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			k, startJ = k+1, endJ
		}
		startI = endI
	}
}

// probabilities turns the scores of the pairs into one probability per class: pairwise coupling as Wu, Lin and Weng
// describe it, their second method. work holds n*n+n numbers and more.
func (m *mlSVM) probabilities(p, scores, work []float32) {
	n := len(p)
	pair, q, qp := work[:n*n], work[n*n:2*n*n], work[2*n*n:2*n*n+n]
	k := 0
	for i := range n {
		pair[i*n+i] = 0
		for j := i + 1; j < n; j++ {
			v := 1 - mlLogistic(scores[k]*m.probA[k]+m.probB[k])
			v = min(max(v, 1e-7), 1-1e-7)
			pair[i*n+j], pair[j*n+i] = v, 1-v
			k++
		}
	}
	for i := range n {
		p[i] = 1 / float32(n)
		q[i*n+i] = 0
		for j := range n {
			if j != i {
				q[i*n+i] += pair[j*n+i] * pair[j*n+i]
				q[i*n+j] = -pair[j*n+i] * pair[i*n+j]
			}
		}
	}
	for range 100 {
		total := float32(0)
		for i := range n {
			qp[i] = 0
			for j := range n {
				qp[i] += q[i*n+j] * p[j]
			}
			total += p[i] * qp[i]
		}
		worst := float32(0)
		for _, v := range qp {
			worst = max(worst, float32(math.Abs(float64(v-total))))
		}
		if worst < 0.005/float32(n) {
			return
		}
		for i := range n {
			d := (total - qp[i]) / q[i*n+i]
			p[i] += d
			total = (total + d*(d*q[i*n+i]+2*qp[i])) / (1 + d) / (1 + d)
			for j := range n {
				qp[j] = (qp[j] + d*q[i*n+j]) / (1 + d)
				p[j] /= 1 + d
			}
		}
	}
}

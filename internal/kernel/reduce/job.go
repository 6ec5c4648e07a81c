package reduce

import (
	"sync"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/par"
)

// grain is the least number of elements in one chunk of parallel work.
const grain = 1 << 14

// Up to serial elements, waking another thread costs more than it gains.
const serial = 1 << 15

// A job is one parallel loop over rows, or other units of work, with the parameters of all kernels of
// this package that have one.
type job struct {
	run         func(j *job, lo, hi int) // does units lo to hi
	units, size int
	op          Op
	log         bool
	n, inner    int
	tiles       int // column tiles per outer index
	dst, src    []float32
	softmax     SoftmaxArgs
	row         RowNorm
	plane       PlaneNorm
}

var jobs = sync.Pool{New: func() any { return new(job) }}

func newJob(run func(j *job, lo, hi int), dst, src []float32) *job {
	j := jobs.Get().(*job)
	j.run, j.dst, j.src = run, dst, src
	return j
}

// do runs the units, of so many elements each, and gives the job back.
func (j *job) do(units, elements, threads int) {
	j.units = units
	if threads <= 1 || units*elements <= serial {
		if units > 0 {
			j.run(j, 0, units)
		}
	} else {
		var chunks int
		chunks, j.size = par.Split(units, 1+(grain-1)/max(1, elements))
		par.Run(threads, chunks, j)
	}
	*j = job{}
	jobs.Put(j)
}

// Chunk does one chunk of units.
func (j *job) Chunk(i int) {
	lo, hi := par.Range(i, j.size, j.units)
	j.run(j, lo, hi)
}

// A worker does units of work of a task that is not of type job.
type worker interface {
	par.Task
	do(lo, hi int)
}

// A cut says which units of work belong to a chunk.
type cut struct{ units, size int }

func (c *cut) chunk(i int) (lo, hi int) { return par.Range(i, c.size, c.units) }

// runUnits lets w do the units, of so many elements each.
func runUnits(w worker, c *cut, units, elements, threads int) {
	c.units = units
	if threads <= 1 || units*elements <= serial {
		w.do(0, units)
		return
	}
	var chunks int
	chunks, c.size = par.Split(units, 1+(grain-1)/max(1, elements))
	par.Run(threads, chunks, w)
}

// tile is the number of columns that kernels for inner axes take at once.
const tile = 512

// narrow is the number of elements that rows of few elements are joined to.
const narrow = 1024

// A scratch is working memory for one chunk.
type scratch struct {
	a, b, c [narrow]float32
	at      [tile]int32
	few     fewBuf
	short   columnsBuf
}

var scratches mem.Pool[scratch]

// partials are the results of the parts of long rows.
var partials mem.Pool[[]float32]

package opt

import (
	"slices"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/sym"
	"github.com/onnxrun/onnxrun/ops"
)

// The cost model counts nanoseconds of one processor; what matters is how portions of different sizes compare. CALIBRATION.md says
// how the figures were measured.
const (
	perByteMemory = 0.1     // of reading or writing memory instead of a cache
	nearBytes     = 3 << 20 // that nodes use in turns and find in a cache
	farBytes      = 24 << 20
	perWeight     = 0.022 // of reading a byte of a filter once more
	transformed   = 4     // times as many bytes as a 3×3 filter has its transform
	perNode       = 2000  // of running a node once more
	leastGain     = 50_000
	mostPortioned = 512     // nodes
	mostImages    = 64      // in a portion
	mostBatch     = 1 << 16 // images: larger ones are no batches of pictures
	usualBatch    = 8       // the length of a batch that is not known
)

var oneImage = sym.Const(1)

// A stretch is a list of neighbouring nodes that treat the images of batches of one length apart.
type stretch struct {
	at     int // place of the first node in the graph
	nodes  []*graph.Node
	length int  // of the batch
	open   bool // the length is not known, and assumed
	place  map[*graph.Node]int
	costs  []portionCost // of the nodes

	readers map[*graph.Value]int // so far
}

// A portionCost is what a node moves, in bytes for one image.
type portionCost struct {
	set     int // all that it reads and makes
	moves   []portionMove
	weights int // bytes of constants, which it reads once for each portion
}

// A portionMove is a value that a node reads, as many bytes as it and those before it move: it is written once.
type portionMove struct {
	maker int // place of the node that makes it, -1 for nodes before the stretch
	bytes int
}

// stretchFrom returns the longest stretch that begins at a place.
func stretchFrom(nodes []*graph.Node, at int) *stretch {
	s := &stretch{at: at, place: map[*graph.Node]int{}, readers: map[*graph.Value]int{}}
	if len(nodes[at].Out) == 0 || nodes[at].Out[0] == nil || nodes[at].Out[0].Rank() < 1 {
		return s
	}
	batch := nodes[at].Out[0].Dims[0]
	if n, ok := batch.Const(); ok {
		s.length = int(min(n, mostBatch+1))
	} else {
		s.length, s.open = usualBatch, true
	}
	for i, n := range nodes[at:] {
		rows, ok := rowInputs(n, batch)
		if !ok || s.length < 2 || s.length > mostBatch || s.readsWhole(n, rows) {
			break
		}
		s.nodes, s.costs = append(s.nodes, n), append(s.costs, s.cost(n, rows))
		s.place[n] = i
	}
	return s
}

// readsWhole reports whether n reads all images of a value that a node of the stretch makes.
func (s *stretch) readsWhole(n *graph.Node, rows []int) bool {
	for i, v := range n.In {
		if v != nil && !slices.Contains(rows, i) {
			if _, here := s.place[v.From]; here && v.From != nil {
				return true
			}
		}
	}
	return false
}

// choose returns what is to run in portions, in order.
func (s *stretch) choose() []portioned { return s.within(0, len(s.nodes)) }

// within chooses among the nodes from first to before end: what gains most, then what is left before and behind it.
func (s *stretch) within(first, end int) []portioned {
	var best portioned
	most := float64(leastGain)
	for size := 1; size <= min(mostImages, s.length/2); size++ {
		if s.length%size != 0 || s.open && size > 1 {
			continue
		}
		if p, gain := s.best(first, end, size); gain > most {
			best, most = p, gain
		}
	}
	if best.size == 0 {
		return nil
	}
	out := append(s.within(first, best.first), portioned{s.at + best.first, s.at + best.end, best.size})
	return append(out, s.within(best.end, end)...)
}

// best returns the part of the nodes from first to before end that gains most in portions of that size.
func (s *stretch) best(first, end, size int) (best portioned, most float64) {
	for from := first; from < end; from++ {
		sum := 0.0
		for i := from; i < min(end, from+mostPortioned) && !s.writesInto(i, from); i++ {
			if sum += s.gain(i, from, size); sum > most {
				best, most = portioned{from, i + 1, size}, sum
			}
		}
	}
	return best, most
}

// writesInto reports whether node i writes to what a node before from made.
func (s *stretch) writesInto(i, from int) bool {
	n := s.nodes[i]
	into := n.Into()
	return into > 0 && !s.made(n.In[into], from)
}

// made reports whether a node of the stretch, from a place on, makes v.
func (s *stretch) made(v *graph.Value, from int) bool {
	p, here := s.place[v.From]
	return here && p >= from
}

// cost returns what n, the next node, moves.
func (s *stretch) cost(n *graph.Node, rows []int) (c portionCost) {
	for _, v := range n.Out {
		c.set += writtenBytes(n, v)
	}
	for i, v := range n.In {
		switch {
		case v == nil || i > 0 && i == n.Into():
		case v.IsConst():
			b := v.DType.ByteLen(v.Const.Len())
			if i == 1 && v.Rank() == 4 && v.Const.Shape()[2] == 3 && v.Const.Shape()[1] > 1 {
				b *= transformed
			}
			c.weights += b
		case slices.Contains(rows, i):
			b := readBytes(n, i)
			c.set += b
			if s.readers[v]++; s.readers[v] == 1 {
				b *= 2
			}
			maker, here := s.place[v.From]
			if !here {
				maker = -1
			}
			c.moves = append(c.moves, portionMove{maker, b})
		}
	}
	return c
}

// gain returns the time that node i saves in portions of that size if the nodes from a place on do as it does: what they hand on
// is nearer.
func (s *stretch) gain(i, from, size int) float64 {
	c, moved := &s.costs[i], 0
	for _, m := range c.moves {
		if m.maker >= from {
			moved += m.bytes
		}
	}
	nearer := farness(c.set*s.length) - farness(c.set*size)
	again := perNode + float64(c.weights)*perWeight
	return nearer*float64(moved*s.length) - float64(s.length/size-1)*again
}

// readBytes returns the bytes of an image of input i that n reads.
func readBytes(n *graph.Node, i int) int {
	all := imageBytes(n.In[i])
	for _, r := range ops.WideRowsOf(n.Attrs).Ranges {
		if r.Input == i {
			c, _ := channels(n.In[i])
			return all / max(1, c) * r.Count
		}
	}
	return all
}

// writtenBytes returns the bytes of an image of its output v that n writes.
func writtenBytes(n *graph.Node, v *graph.Value) int {
	row := ops.WideRowsOf(n.Attrs).Row
	if row == 0 {
		return imageBytes(v)
	}
	made, _ := channels(n.In[0])
	if n.Type == "NhwcConv" {
		c, _ := n.In[1].Dims[0].Const()
		made = int(c)
	} else if made > 0 {
		made = made * readBytes(n, 0) / imageBytes(n.In[0])
	}
	return imageBytes(v) / row * made
}

// farness returns what it costs to read or write a byte among so many that are used in turns.
func farness(set int) float64 {
	return perByteMemory * min(1, max(0, float64(set-nearBytes))/(farBytes-nearBytes))
}

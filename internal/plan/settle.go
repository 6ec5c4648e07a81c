package plan

import (
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mmap"
)

// mostCopied is the size in bytes up to which a constant in a mapped file is copied when runs go on reading it. Few rows of larger
// tables are read from the file itself, see ops.
const mostCopied = 512 << 10

// Settle gives back the memory of mapped files that runs do not read any more, once all weights are packed. What they do read of
// constants that lie between others, such as biases, is copied: see mmap.File.Keep.
func (p *Program) Settle() {
	s, ok := p.opts.Weights.(*Store)
	if !ok {
		return
	}
	packed, read := s.constants(), map[*mmap.File][][]byte{}
	p.eachMapped(func(f *mmap.File, b []byte) {
		if packed[unsafe.SliceData(b)] || len(b) > mostCopied {
			b = nil
		}
		read[f] = append(read[f], b)
	})
	for f, parts := range read {
		f.Keep(parts)
	}
}

// eachMapped calls f for each constant that lies in a mapped file, once for each reader.
func (p *Program) eachMapped(f func(*mmap.File, []byte)) {
	p.graph.Walk(func(g *graph.Graph) {
		for _, n := range g.Nodes {
			for _, v := range n.In {
				if v == nil || !v.IsConst() || v.Const.Start() == nil {
					continue
				}
				b := unsafe.Slice(v.Const.Start(), v.DType.ByteLen(v.Const.Len()))
				if m, _ := mmap.Find(b); m != nil {
					f(m, b)
				}
			}
		}
	})
}

// constants returns where those begin that have been packed.
func (s *Store) constants() map[*byte]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[*byte]bool, len(s.entries))
	for k := range s.entries {
		all[k.data] = true
	}
	return all
}

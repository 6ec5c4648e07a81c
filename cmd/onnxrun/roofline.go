package main

import (
	goruntime "runtime"

	"github.com/onnxrun/onnxrun/internal/doctor"
	"github.com/onnxrun/onnxrun/ops"
)

// A roofline is what the machine can do at most: multiply-adds of float32, and bytes from memory.
type roofline struct {
	Threads int     `json:"threads"`
	GFlops  float64 `json:"peak_gflops"` // of all threads; 0: unknown
	GBytes  float64 `json:"gbytes"`      // per second, of all threads together
}

func measureMachine(threads int) roofline {
	if n := goruntime.GOMAXPROCS(0); threads <= 0 || threads > n {
		threads = n
	}
	return roofline{threads, doctor.Peak() * float64(threads), doctor.Bandwidth(threads)}
}

// rates is how fast a node runs, and what holds it back.
type rates struct {
	GFlops    float64 `json:"gflops"`
	PeakShare float64 `json:"peak_share"` // of what the machine multiplies and adds, 0 to 1
	GBytes    float64 `json:"gbytes"`
	Roof      float64 `json:"roof_share"` // the least time that operations and bytes need, as a part of the time
	Limit     string  `json:"limit"`
	Algorithm string  `json:"algorithm,omitempty"`
}

// What limits a node.
const (
	limitCompute  = "compute"  // near the peak of multiply-adds
	limitMemory   = "memory"   // near the bandwidth, or beyond: in the caches
	limitOverhead = "overhead" // so little work that starting it takes most of the time
	limitKernel   = "kernel"   // neither: the kernel itself
)

const (
	overheadMS = 0.005 // below, a node that is far from both roofs has mostly overhead
	nearRoof   = 0.6
)

// rate judges a node by its fastest call, which took ms milliseconds.
func (m roofline) rate(w ops.Work, ms float64) rates {
	if ms <= 0 {
		return rates{}
	}
	r := rates{GFlops: float64(w.Flops) / ms / 1e6, GBytes: float64(w.Bytes) / ms / 1e6, Algorithm: w.Algorithm}
	if m.GFlops > 0 {
		r.PeakShare = r.GFlops / m.GFlops
	}
	memory := 0.0
	if m.GBytes > 0 {
		memory = r.GBytes / m.GBytes
	}
	r.Roof = min(1, max(r.PeakShare, memory))
	switch {
	case r.Roof >= nearRoof && r.PeakShare >= memory:
		r.Limit = limitCompute
	case r.Roof >= nearRoof:
		r.Limit = limitMemory
	case ms < overheadMS:
		r.Limit = limitOverhead
	default:
		r.Limit = limitKernel
	}
	return r
}

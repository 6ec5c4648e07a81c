// Command training takes full training steps of one workload of bench/training.py in this library and prints what they took
// as a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/onnxrun/onnxrun/internal/measure"
)

// A report is what the steps took. Memory is resident, in MB of 2^20 bytes: the base with weights and optimizer state in
// memory, before the first step.
type report struct {
	Times []float64 `json:"times_ms"`
	CPU   []float64 `json:"cpu_ms"` // processor time of the same steps
	Loss  []float64 `json:"loss"`
	Base  float64   `json:"base_rss_mb"`
	Peak  float64   `json:"peak_rss_mb"`
}

// settings are the same for the peer.
type settings struct {
	batch, threads int
	memory         int64   // bound of a step's memory in bytes; 0: none
	half           bool    // activations wait as bfloat16
	clip           float64 // bound of the gradients' norm; 0: none
	plain          bool    // graphs run as they are written
}

// A session is a workload that is ready for its first step.
type session struct {
	step  func(context.Context) (loss float64, err error)
	state int // bytes of optimizer state, which the first step writes
}

func main() {
	var o settings
	names := make([]string, 0, len(workloads))
	for name := range workloads {
		names = append(names, name)
	}
	slices.Sort(names)
	workload := flag.String("workload", "", "one of "+strings.Join(names, ", "))
	steps := flag.Int("steps", 10, "steps that are timed")
	warmup := flag.Int("warmup", 2, "steps before them")
	flag.IntVar(&o.batch, "batch", 0, "samples of a step; 0: the workload's own number")
	flag.IntVar(&o.threads, "threads", 2, "processors to use")
	flag.Int64Var(&o.memory, "mem", 0, "bound of the bytes of a step's values; 0: none")
	flag.Float64Var(&o.clip, "clip", 0, "bound of the norm of a step's gradients; 0: none")
	flag.BoolVar(&o.half, "half", false, "let activations wait for their gradients as bfloat16")
	flag.BoolVar(&o.plain, "plain", false, "run the graphs as they are written, to compare losses")
	profile := flag.String("cpuprofile", "", "file for a profile of the timed steps")
	flag.Parse()
	if err := run(*workload, o, *warmup, *steps, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "training:", err)
		os.Exit(1)
	}
}

func run(workload string, o settings, warmup, steps int, profile string) error {
	start := workloads[workload]
	if start == nil {
		return fmt.Errorf("no workload %q", workload)
	}
	s, err := start(o)
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	if err := resetPeak(); err != nil {
		return err
	}
	r := report{Base: measure.Resident() + float64(s.state)/(1<<20)}
	for i := range warmup + steps {
		if i == warmup && profile != "" {
			f, err := os.Create(profile)
			if err != nil {
				return err
			}
			defer f.Close()
			if err := pprof.StartCPUProfile(f); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
		}
		begin, used := time.Now(), measure.ProcessTime()
		loss, err := s.step(context.Background())
		if err != nil {
			return err
		}
		r.Loss = append(r.Loss, loss)
		if i >= warmup {
			r.Times = append(r.Times, measure.Milliseconds(time.Since(begin)))
			r.CPU = append(r.CPU, measure.Milliseconds(measure.ProcessTime()-used))
		}
	}
	r.Peak = measure.PeakResident()
	return json.NewEncoder(os.Stdout).Encode(r)
}

// resetPeak makes the process's peak memory count from now on.
func resetPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

package main

import (
	"testing"

	"github.com/onnxrun/onnxrun/ops"
)

func TestRates(t *testing.T) {
	m := roofline{Threads: 1, GFlops: 100, GBytes: 10}
	for _, c := range []struct {
		work  ops.Work
		ms    float64
		limit string
		roof  float64
	}{
		{ops.Work{Flops: 80e6, Bytes: 1e6}, 1, limitCompute, 0.8},
		{ops.Work{Flops: 10e6, Bytes: 9e6}, 1, limitMemory, 0.9},
		{ops.Work{Flops: 10e6, Bytes: 1e6}, 1, limitKernel, 0.1},
		{ops.Work{Bytes: 4000}, 0.002, limitOverhead, 0.2},
		{ops.Work{Bytes: 1e9}, 1, limitMemory, 1},
	} {
		if r := m.rate(c.work, c.ms); r.Limit != c.limit || r.Roof < c.roof-1e-9 || r.Roof > c.roof+1e-9 {
			t.Errorf("%+v in %v ms: %+v, want %s, %v", c.work, c.ms, r, c.limit, c.roof)
		}
	}
}

func TestExplainSpeed(t *testing.T) {
	code, text, stderr := onnxrun(t, "explain", "--speed", digits(t), "--rounds", "2", "--json")
	v := lastLine(t, text)
	if code != exitOK || v["version"] != 1.0 || len(v["promising"].([]any)) == 0 || v["machine"].(map[string]any)["gbytes"].(float64) <= 0 {
		t.Fatalf("exit %d, %s%s", code, text, stderr)
	}
	share := 0.0
	for _, l := range v["limits"].([]any) {
		share += l.(map[string]any)["share"].(float64)
	}
	if share < 0.999 || share > 1.001 {
		t.Errorf("the limits' shares add up to %v", share)
	}
	if code, text, stderr = onnxrun(t, "explain", "--speed", digits(t), "--rounds", "1"); code != exitOK {
		t.Errorf("exit %d, %s%s", code, text, stderr)
	}
	if code, _, _ := onnxrun(t, "explain", digits(t)); code != exitUsage {
		t.Errorf("explain without --speed: exit %d", code)
	}
}

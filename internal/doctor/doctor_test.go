package doctor

import (
	"context"
	"testing"
)

func TestExamine(t *testing.T) {
	r := Examine(context.Background(), false)
	if len(r.Kernels) == 0 || len(r.Tests) != 2*len(r.Kernels) {
		t.Errorf("%d tests of %d kernel sets", len(r.Tests), len(r.Kernels))
	}
	for _, test := range r.Tests {
		if !test.OK {
			t.Errorf("%s: %s", test.Name, test.Reason)
		}
	}
	r.add("broken", context.Canceled)
	if r.OK() {
		t.Error("a failed test left the report in order")
	}
}

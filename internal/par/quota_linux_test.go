package par

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestDefaultRespectsTheQuota compares the threads of a loop with the processor time that the container may use.
func TestDefaultRespectsTheQuota(t *testing.T) {
	if os.Getenv("GOMAXPROCS") != "" {
		t.Skip("GOMAXPROCS is set: the quota does not count")
	}
	text, err := os.ReadFile("/sys/fs/cgroup/cpu.max")
	f := strings.Fields(string(text))
	if err != nil || len(f) != 2 || f[0] == "max" {
		t.Skip("the container has no processor quota")
	}
	quota, _ := strconv.ParseFloat(f[0], 64)
	period, _ := strconv.ParseFloat(f[1], 64)
	if n := Default(); float64(n) >= quota/period+1 && n > 2 { // Go never goes below two because of a quota
		t.Errorf("%d threads for a quota of %.2f processors", n, quota/period)
	}
}

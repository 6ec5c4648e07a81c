package runtime

import (
	"math"
	"os"
	"strconv"
	"strings"
)

// defaultLimit returns 80 % of the memory that the process may use: the container's limit if there is one,
// else the machine's. It returns 0, no limit, where neither can be found.
func defaultLimit() int {
	limit := 0
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(path); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n < 1<<50 {
				limit = int(min(n, math.MaxInt))
				break
			}
		}
	}
	if n := hostMemory(); n > 0 && (limit == 0 || n < limit) {
		limit = n
	}
	return limit / 5 * 4
}

// hostMemory returns the machine's memory in bytes, 0 where it cannot be found.
func hostMemory() int {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == "MemTotal:" {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return int(min(n*1024, math.MaxInt))
			}
		}
	}
	return 0
}

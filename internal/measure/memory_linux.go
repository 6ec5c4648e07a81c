package measure

import (
	"os"
	"strconv"
	"strings"
)

// Resident returns the memory that the process holds now, in megabytes (2^20 bytes).
func Resident() float64 { return status("VmRSS:") }

// PeakResident returns the most memory that the process has held, in megabytes.
func PeakResident() float64 { return status("VmHWM:") }

func status(key string) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == key {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	return 0
}

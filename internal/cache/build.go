package cache

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// build names the code that packs: the versions of all modules of the program and the settings of its build. A program
// whose sources have no version, such as a test or one with changes that are not committed, is named by the
// state of its executable.
var build = sync.OnceValues(func() (string, error) {
	info, ok := debug.ReadBuildInfo()
	if ok && versioned(info) {
		return info.String(), nil
	}
	return executable()
})

// versioned reports whether info names the sources of the whole program.
func versioned(info *debug.BuildInfo) bool {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.revision"] == "" || settings["vcs.modified"] != "false" {
		if info.Main.Sum == "" {
			return false
		}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Sum == "" {
			return false
		}
	}
	return true
}

func executable() (string, error) {
	name, err := os.Executable()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %d %d", name, info.Size(), info.ModTime().UnixNano()), nil
}

// machine names the processor as far as kernels are chosen by it.
func machine() string {
	l1, l2, l3 := cpu.Caches()
	return strings.Join([]string{runtime.GOOS, runtime.GOARCH, fmt.Sprint(cpu.Features()), cpu.Brand(), fmt.Sprint(l1, l2, l3, os.Getpagesize())}, " ")
}

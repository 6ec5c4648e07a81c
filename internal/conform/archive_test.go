package conform_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/conform"
)

const (
	archives   = "../../testdata/conformance"
	exclusions = archives + "/exclusions.txt"
)

var update = flag.Bool("update", false, "write exclusions.txt anew from what does not pass")

// TestArchives runs every case of the packed archives at 1 and 2 threads. A case that does not pass must
// stand in exclusions.txt, and one that stands there must not pass.
func TestArchives(t *testing.T) {
	listed := readExclusions(t)
	found := map[string]string{}
	for _, name := range archiveNames(t) {
		suite, err := conform.Find(filepath.Join(archives, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { suite.Close() })
		if testing.Short() {
			suite.Cases = slices.DeleteFunc(suite.Cases, func(c *conform.Case) bool { return strings.HasPrefix(c.Name, "light/") })
			t.Logf("%s: cases light/* are left out of short tests", name)
		}
		for _, threads := range []int{1, 2} {
			start, passed := time.Now(), 0
			for _, r := range runAll(suite.Cases, threads) {
				if r.Status == conform.Passed {
					passed++
				} else {
					found[r.Name] = reason(r)
				}
			}
			t.Logf("%s: %d of %d pass at %d threads in %.1f s", name, passed, len(suite.Cases), threads, time.Since(start).Seconds())
		}
		for _, c := range suite.Cases {
			_, excluded := listed[c.Name]
			why, failed := found[c.Name]
			switch {
			case *update:
			case failed && !excluded:
				t.Errorf("%s: %s", c.Name, why)
			case excluded && !failed:
				t.Errorf("%s passes, but stands in exclusions.txt", c.Name)
			}
			delete(listed, c.Name)
		}
	}
	if *update {
		writeExclusions(t, found)
		return
	}
	for name := range listed {
		if !testing.Short() {
			t.Errorf("exclusions.txt names %s, which no archive holds", name)
		}
	}
}

// archiveNames lists the archives of cases: all but those that another test judges.
func archiveNames(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(archives, "*.zip"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range paths {
		if name := filepath.Base(p); !strings.HasPrefix(name, "invalid") && name != "shapes.zip" {
			names = append(names, name)
		}
	}
	if len(names) < 3 {
		t.Fatalf("archives %v in %s, want node.zip, models.zip, extra-visible.zip at least", names, archives)
	}
	return names
}

// runAll runs the cases side by side, as many as there are CPUs.
func runAll(cases []*conform.Case, threads int) []conform.Result {
	results := make([]conform.Result, len(cases))
	opts := conform.Options{Timeout: 3 * time.Minute}
	opts.Runtime.Threads = threads
	var group sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, c := range cases {
		turn <- struct{}{}
		group.Go(func() {
			results[i] = c.Run(context.Background(), opts)
			<-turn
		})
	}
	group.Wait()
	return results
}

// reason is the first line of what went wrong, short enough for a list.
func reason(r conform.Result) string {
	text, _, _ := strings.Cut(strings.ReplaceAll(r.Reason, "\t", " "), "\n")
	if len(text) > 160 {
		text = text[:160]
	}
	return text
}

// readExclusions reads lines of a case, a tab and a reason.
func readExclusions(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(exclusions)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, why, ok := strings.Cut(line, "\t")
		if !ok || why == "" {
			t.Errorf("exclusions.txt: %q gives no reason after a tab", line)
		}
		if _, twice := list[name]; twice {
			t.Errorf("exclusions.txt names %s twice", name)
		}
		list[name] = why
	}
	return list
}

func writeExclusions(t *testing.T, found map[string]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Conformance cases that do not pass yet: case, tab, reason. A listed case that passes fails the test.\n")
	for _, name := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(&b, "%s\t%s\n", name, found[name])
	}
	if err := os.WriteFile(exclusions, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestInvalid judges the hostile models: none may panic, hang or be accepted when it must not be.
func TestInvalid(t *testing.T) {
	opts := conform.Options{Timeout: 10 * time.Second}
	opts.Runtime.MemoryLimit = 1 << 30
	list, err := conform.Invalid(context.Background(), filepath.Join(archives, "invalid.zip"), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 177 {
		t.Errorf("%d models, want 177", len(list))
	}
	for _, r := range list {
		switch r.Status {
		case conform.Failed:
			t.Errorf("%s: %s", r.Name, r.Reason)
		case conform.Skipped:
			t.Logf("%s: %s", r.Name, r.Reason)
		}
	}
}

// TestRealModels runs the models with trained weights, and TestStrippedModels those whose weights are
// generated, where these folders lie beside the project.
func TestRealModels(t *testing.T) { runBeside(t, "../../../shared/models") }

// TestStrippedModels: see TestRealModels.
func TestStrippedModels(t *testing.T) { runBeside(t, "../../../shared/stripped") }

func runBeside(t *testing.T, dir string) {
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is absent: its models are not run", dir)
	}
	if testing.Short() {
		t.Skip("real models are left out of short tests")
	}
	suite, err := conform.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range suite.Cases {
		for _, threads := range []int{1, 2} {
			opts := conform.Options{Timeout: 5 * time.Minute}
			opts.Runtime.Threads = threads
			switch r := c.Run(context.Background(), opts); r.Status {
			case conform.Failed:
				t.Errorf("%s at %d threads: %s", r.Name, threads, r.Reason)
			case conform.Skipped:
				t.Logf("%s: %s", r.Name, r.Reason)
			}
		}
	}
}

// Command guest is the one program of an emulated machine: it runs the test binaries in the tar archive behind its own end.
// Its first argument is where the archive begins, the others go to each binary. A line per binary names the kernel sets of
// which subtests passed; one that fails shows all its output. .ci/emulate builds and starts it.
package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	ok, err := runAll(os.Args[1:])
	if err != nil {
		fmt.Println("FAIL", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

// runAll unpacks and starts one test binary after the other. Unpacked ones stay: a page of code that the kernel gives to
// another program crashes under Bochs 3.0, which goes on with what it decoded there before.
func runAll(args []string) (ok bool, err error) {
	if len(args) == 0 {
		return false, errors.New("want the offset of the archive")
	}
	offset, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return false, err
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return false, err
	}
	defer self.Close()
	if _, err := self.Seek(offset, io.SeekStart); err != nil {
		return false, err
	}
	ok = true
	for archive := tar.NewReader(self); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return ok, nil
		}
		if err != nil {
			return false, err
		}
		path := filepath.Join(os.TempDir(), filepath.Base(h.Name)) // ends in .test, so ONNXRUN_CPU may add features
		if err := unpack(path, archive); err != nil {
			return false, err
		}
		if !run(path, args[1:]) {
			ok = false
		}
	}
}

func unpack(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		return err
	}
	return f.Close()
}

// run starts a test binary and prints what came of it. One without a subtest of a kernel set fails: it checked nothing here.
func run(path string, args []string) bool {
	name := strings.TrimSuffix(filepath.Base(path), ".test")
	out, err := exec.Command(path, args...).CombinedOutput()
	tests, rows := passed(string(out))
	if err == nil && len(rows) == 0 {
		err = errors.New("no test of a kernel set ran")
	}
	if err != nil {
		fmt.Printf("%s\nFAIL %s: %v\n", out, name, err)
		return false
	}
	fmt.Printf("pass %s: %d tests, kernel sets: %s\n", name, tests, strings.Join(rows, " "))
	return true
}

var passLine = regexp.MustCompile(`(?m)^( *)--- PASS: [^/ ]+(?:/([^/ ]+))?`)

// passed counts the tests and lists the first parts of their subtests' names.
func passed(out string) (tests int, rows []string) {
	for _, m := range passLine.FindAllStringSubmatch(out, -1) {
		if m[1] == "" {
			tests++
		}
		if m[2] != "" {
			rows = append(rows, m[2])
		}
	}
	slices.Sort(rows)
	return tests, slices.Compact(rows)
}

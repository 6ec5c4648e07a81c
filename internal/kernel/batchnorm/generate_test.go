package batchnorm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGenerated runs the generator and compares its files with those at hand.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("zbatchnorm_amd64.s: the generator is not run in short mode")
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "generator")
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Dir = "_asm"
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off", "GOOS=", "GOARCH=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("zbatchnorm_amd64.s: the generator does not build here (its modules may be missing): %v\n%s", err, out)
	}
	code, stubs := filepath.Join(dir, "zbatchnorm_amd64.s"), filepath.Join(dir, "zstubs_amd64.go")
	if out, err := exec.Command(bin, "-out", code, "-stubs", stubs, "-pkg", "batchnorm").CombinedOutput(); err != nil {
		t.Fatalf("the generator fails: %v\n%s", err, out)
	}
	for _, path := range []string{code, stubs} {
		if name := filepath.Base(path); !bytes.Equal(body(t, path), body(t, name)) {
			t.Errorf("%s is not what the generator writes: run go generate", name)
		}
	}
}

// body returns a generated file without its first line, which names the command.
func body(t *testing.T, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(b, []byte("\n"))
	return rest
}

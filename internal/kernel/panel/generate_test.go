package panel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGeneratedFilesAreCurrent runs the generator and compares with the committed files.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("generator of zpanel_amd64.s: not in short mode")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("generator of zpanel_amd64.s: no go tool: %v", err)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "asm")
	build := exec.Command(goTool, "build", "-o", bin, ".")
	build.Dir = "_asm"
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off", "GOOS=", "GOARCH=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("generator of zpanel_amd64.s does not build here (its modules may be missing): %v\n%s", err, out)
	}
	names := []string{"zpanel_amd64.s"}
	run := exec.Command(bin, "-out", filepath.Join(dir, names[0]), "-pkg", "panel")
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("generator: %v\n%s", err, out)
	}
	for _, name := range names {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(generatedBody(got), generatedBody(want)) {
			t.Errorf("%s differs from what _asm generates: run go generate", name)
		}
	}
}

// generatedBody cuts the first line, which names the command.
func generatedBody(b []byte) []byte {
	_, rest, _ := bytes.Cut(b, []byte("\n"))
	return rest
}

package lint

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// generator is the directive of a package whose assembly the program in its folder _asm writes.
var generator = regexp.MustCompile(`(?m)^//go:generate go -C _asm run \. (.+)$`)

// TestAssemblyIsGenerated runs the generator of every folder _asm as the directive beside it says, and compares what it
// writes with the files at hand.
func TestAssemblyIsGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("generators of assembly are not run in short mode")
	}
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	arguments := map[string]string{} // of the generator, by package
	sources := load(t)
	for _, src := range sources {
		if m := generator.FindSubmatch(src.Text); m != nil && !src.Test {
			arguments[src.Pkg] = string(m[1])
		}
	}
	for _, src := range sources {
		if pkg, name := path.Split(src.Pkg); name == "_asm" && arguments[path.Clean(pkg)] == "" {
			t.Errorf("%s: no go:generate directive runs it", src.Path)
		}
	}
	for pkg, args := range arguments {
		t.Run(path.Base(pkg), func(t *testing.T) {
			t.Parallel()
			checkGenerator(t, filepath.Join(root, filepath.FromSlash(pkg), "_asm"), strings.Fields(args))
		})
	}
}

// checkGenerator runs the generator in dir with the arguments args. Those that begin with ../ are the files that it writes;
// here it writes them elsewhere. Their first lines name the command, so they differ.
func checkGenerator(t *testing.T, dir string, args []string) {
	temp := t.TempDir()
	bin := filepath.Join(temp, "generator.exe") // Windows starts no program without the ending
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off", "GOOS=", "GOARCH=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the generator does not build here (its modules may be missing): %v\n%s", err, out)
	}
	var names []string
	for i, arg := range args {
		if name, ok := strings.CutPrefix(arg, "../"); ok {
			names = append(names, name)
			args[i] = filepath.Join(temp, name)
		}
	}
	run := exec.Command(bin, args...)
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("the generator fails: %v\n%s", err, out)
	}
	for _, name := range names {
		if !bytes.Equal(generatedBody(t, filepath.Join(temp, name)), generatedBody(t, filepath.Join(dir, "..", name))) {
			t.Errorf("%s is not what the generator writes: run go generate", name)
		}
	}
}

func generatedBody(t *testing.T, name string) []byte {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(b, []byte("\n"))
	return rest
}

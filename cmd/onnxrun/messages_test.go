package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/onnx"
)

// TestMessages makes the mistakes of somebody who does not know the command: each message says what came and what was expected.
func TestMessages(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, data := range map[string][]byte{"m.onnx": models.Digits, "empty.onnx": nil, "text.onnx": []byte("module x\n"), "cut.npy": []byte("\x93NUMPY\x01\x00")} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("dir", 0o755); err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Decode(models.Digits)
	if err == nil {
		err = errors.Join(onnx.WriteFile("parts.onnx", m, &onnx.WriteOptions{External: "w.bin", ExternalSize: 64}), os.Truncate("w.bin", 8))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"chekc m.onnx", exitUsage, []string{`"chekc"`, "neither a command nor a model", "did you mean check?"}},
		{"zork", exitUsage, []string{`"zork"`, "--help lists the commands"}},
		{"help zork", exitUsage, []string{"onnxrun", `no command "zork"`, "--help lists"}},
		{"help train zork", exitUsage, []string{"onnxrun train", `no command "zork"`}},
		{"run m.onnx --timeout 1ns", exitLimit, []string{"not done within --timeout"}},
		{"run m.onnx --bogus", exitUsage, []string{"--bogus", "onnxrun run --help"}},
		{"run m.onnx --threads x", exitUsage, []string{"--threads x, want a whole number"}},
		{"run m.onnx --seed -1", exitUsage, []string{"--seed -1, want a whole number of at least 0"}},
		{"run m.onnx --timeout 5", exitUsage, []string{"--timeout 5, want a time with its unit, such as 30s"}},
		{"run m.onnx --timeout -5s", exitUsage, []string{"--timeout -5s", "at least 0s"}},
		{"run m.onnx --dim N=-4", exitUsage, []string{"--dim N=-4", "at least 0"}},
		{"run m.onnx --dim Zork=4", exitUsage, []string{"--dim Zork", "no input has such a dimension"}},
		{"run dir", exitFailed, []string{"dir is a folder, want the file of a model"}},
		{"run empty.onnx", exitInvalid, []string{"empty.onnx", "the file is empty"}},
		{"run text.onnx", exitInvalid, []string{"model", "malformed protobuf"}},
		{"run m.onnx --input cut.npy", exitFailed, []string{"cut.npy"}},
		{"run m.onnx --output zork", exitFailed, []string{`"zork"`, "its outputs are ["}},
		{"optimize m.onnx -o dir", exitUsage, []string{"-o dir is a folder, want the name of a file"}},
		{"optimize m.onnx -o none/o.onnx", exitUsage, []string{"no folder none"}},
		{"convert m.onnx --opset 20 -o dir", exitUsage, []string{"-o dir is a folder"}},
		{"convert m.onnx --opset foo=5 -o o.onnx", exitUsage, []string{"no standard operator set foo"}},
		{"run parts.onnx", exitInvalid, []string{"initializer", "w.bin", "of a file of 8 bytes"}},
		{"optimize parts.onnx -o o.onnx", exitInvalid, []string{"initializer", "w.bin", "of a file of 8 bytes"}},
		{"train", exitUsage, []string{"train demo"}},
	} {
		code, _, stderr := onnxrun(t, strings.Fields(c.args)...)
		for _, w := range c.want {
			if code != c.code || !strings.Contains(stderr, w) {
				t.Errorf("%s: exit code %d, want %d; %q, want %q in it", c.args, code, c.code, stderr, w)
			}
		}
	}
	before, _ := os.ReadFile("m.onnx")
	if code, _, stderr := onnxrun(t, "optimize", "m.onnx", "-o", "m.onnx"); code != exitOK {
		t.Errorf("onto its own input: exit code %d, %q", code, stderr)
	}
	if code, _, stderr := onnxrun(t, "check", "m.onnx"); code != exitOK || len(before) == 0 {
		t.Errorf("after that: exit code %d, %q", code, stderr)
	}
	if left, _ := filepath.Glob(".*onnx*"); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

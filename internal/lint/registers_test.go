package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// wideRegister matches what only AVX-512 has: its masks, vectors of 512 bits, and sixteen more of the shorter ones, which the
// generators' register allocator takes without a word when sixteen do not do.
var wideRegister = regexp.MustCompile(`[ \t,(](K[0-7]|Z\d+|[XY](1[6-9]|2\d|3[01]))\b`)

// legacy matches an instruction of SSE on a vector register. On Zen 3 each costs about 100 cycles where the upper half of a register
// holds something, as the halves change places then; what begins with V does the same without.
var legacy = regexp.MustCompile(`^\t[A-UW-Z][A-Z0-9]* .*[ \t,(][XYZ]\d`)

// TestRegistersOfAVX2 reads the generated assembly: only functions with AVX512 in their names may need a processor that has it, and
// none may mix instructions of SSE and AVX. Other tests would not notice.
func TestRegistersOfAVX2(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "internal/kernel/*/z*_amd64.s"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		functions, wrong := faults(string(text))
		if functions == 0 {
			t.Errorf("%s: no function", name)
		}
		for _, w := range wrong {
			t.Errorf("%s: %s", name, w)
		}
	}
}

// faults counts the functions of a generated file, and lists the instructions of SSE, and what only AVX-512 has in those that are for less.
func faults(text string) (functions int, wrong []string) {
	name, needs := "", ""
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "// Requires:"):
			needs = line
		case strings.HasPrefix(line, "TEXT "):
			functions++
			name = strings.TrimPrefix(strings.SplitN(line, "(", 2)[0], "TEXT ·")
			if strings.Contains(needs, "AVX512") && !strings.Contains(name, "AVX512") {
				wrong = append(wrong, fmt.Sprintf("%s: %s", name, needs))
			}
			needs = ""
		case legacy.MatchString(line):
			wrong = append(wrong, fmt.Sprintf("%s: %s", name, strings.TrimSpace(line)))
		case strings.HasPrefix(line, "\t") && !strings.Contains(name, "AVX512") && wideRegister.MatchString(line):
			wrong = append(wrong, fmt.Sprintf("%s: %s", name, strings.TrimSpace(line)))
		}
	}
	return functions, wrong
}

func TestFaults(t *testing.T) {
	const text = `
// Requires: AVX, FMA3
TEXT ·sumAVX2(SB), NOSPLIT, $0-8
	VADDPS       Y16, Y12, Y1
	VADDPS       (AX)(CX*4), Y15, Y15
	VMOVUPS      X3, X31
	ADDQ         $0x00000016, R15

// Requires: AVX512F
TEXT ·sumAVX512(SB), NOSPLIT, $0-8
	VADDPS       Z1, Z2, Z3
	MOVSS        eps+24(FP), X1
	PREFETCHT0   (AX)

// Requires: AVX512VL
TEXT ·other(SB), NOSPLIT, $0-8
	VMOVUPS      Y1, K2, (AX)
`
	functions, wrong := faults(text)
	if functions != 3 || len(wrong) != 5 {
		t.Errorf("%d functions and %q, want 3 and five lines", functions, wrong)
	}
}

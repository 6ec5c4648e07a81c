package cpu

import "testing"

func TestParse(t *testing.T) {
	have := AVX2 | AVX512 | VNNI | BF16
	cases := []struct {
		env   string
		force bool
		want  Feature
		bad   string
	}{
		{"", false, have, ""},
		{"generic", false, 0, ""},
		{"avx2", false, AVX2, ""},
		{"avx512", false, AVX2 | AVX512, ""},
		{"avx2,+vnni", false, AVX2 | AVX512 | VNNI, ""},
		{"-avx512", false, AVX2, ""},
		{"+vnni,-avx512", false, AVX2, ""},
		{"-avx2", false, 0, ""},
		{"+amxint8", false, have, "+amxint8"},
		{"+amxint8", true, have | AMXINT8, ""},
		{" generic , +AVX2", false, AVX2, ""},
		{"sse9,-vnni", false, AVX2 | AVX512 | BF16, "sse9"},
	}
	for _, c := range cases {
		got, bad := parse(c.env, have, c.force)
		if got != c.want || bad != c.bad {
			t.Errorf("parse(%q): got %v, ignored %q, want %v, ignored %q", c.env, got, bad, c.want, c.bad)
		}
	}
}

func TestSet(t *testing.T) {
	before := Features()
	undo := Set(NEON)
	if !Has(NEON) || Has(AVX2) || Has(NEON|DOTPROD) {
		t.Errorf("after Set(NEON) the set is %v", Features())
	}
	undo()
	if Features() != before {
		t.Errorf("undo left %v, want %v", Features(), before)
	}
}

func TestDetected(t *testing.T) {
	if d := Detected(); d&closure(d) != closure(d) {
		t.Errorf("detected %v lacks some of %v", d, closure(d))
	}
	l1, l2, l3 := Caches()
	t.Logf("%s: %v; caches %d %d %d", Brand(), Detected(), l1, l2, l3)
}

func TestTestBinary(t *testing.T) {
	for name, want := range map[string]bool{"/tmp/x/cpu.test": true, `cpu.test.exe`: true, "onnxrun": false} {
		if testBinary([]string{name}) != want {
			t.Errorf("testBinary(%q) is not %v", name, want)
		}
	}
}

package main

import (
	"math"
	"strings"
	"testing"
)

// TestPrivacyEpsilon compares with results of Opacus 1.6.0.
func TestPrivacyEpsilon(t *testing.T) {
	for _, tc := range []struct {
		args      string
		want, tol float64
	}{
		{"--rate 0.01 --noise 1 --steps 1000 --delta 1e-5", 2.1013652716430564, 1e-6},
		{"--rate 0.01 --noise 1 --steps 1000 --delta 1e-5 --accountant rdp --order 8,9", 2.107753075451561, 1e-6},
		{"--rate 0.01 --noise 1 --steps 1000 --delta 1e-5 --accountant prv", 1.8383716376346455, 1e-2},
		{"--rate 1 --noise 20 --steps 50 --delta 1e-6 --accountant prv", 1.5537120015047805, 1e-2},
	} {
		code, out, stderr := onnxrun(t, append(strings.Fields("privacy epsilon --json"), strings.Fields(tc.args)...)...)
		if code != exitOK || strings.Count(out, "\n") != 1 {
			t.Fatalf("%s: exit %d, %q, %q", tc.args, code, out, stderr)
		}
		v := lastLine(t, out)
		if got := v["epsilon"].(float64); math.Abs(got/tc.want-1) > tc.tol || v["schema"] != 1.0 {
			t.Errorf("%s: %s, want epsilon %g", tc.args, out, tc.want)
		}
	}
	code, out, _ := onnxrun(t, strings.Fields("privacy epsilon --rate 0.01 --noise 1 --steps 1000 --delta 1e-5")...)
	if code != exitOK || !strings.Contains(out, "2.10137") || !strings.Contains(out, "order 7.8") {
		t.Errorf("exit %d, %s", code, out)
	}
}

// TestPrivacyNoise puts the noise that was found back into the accountant.
func TestPrivacyNoise(t *testing.T) {
	for _, accountant := range []string{"rdp", "prv"} {
		settings := strings.Fields("--rate 0.02 --steps 100 --delta 1e-6 --json --accountant " + accountant)
		code, out, stderr := onnxrun(t, append([]string{"privacy", "noise", "--epsilon", "1.5"}, settings...)...)
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		v := lastLine(t, out)
		if v["target_epsilon"] != 1.5 || v["epsilon"].(float64) > 1.5 || v["epsilon"].(float64) < 1.499 || v["noise"].(float64) <= 0 {
			t.Errorf("%s", out)
		}
	}
}

func TestPrivacyErrors(t *testing.T) {
	for args, want := range map[string]string{
		"": "epsilon or privacy noise",
		"epsilon --noise 1 --steps 1 --delta 1e-5":                                    "wants --rate",
		"epsilon --rate 0.1 --steps 1 --delta 1e-5":                                   "wants --noise",
		"epsilon --rate 2 --noise 1 --steps 1 --delta 1e-5":                           "sample rate 2",
		"epsilon --rate 0.1 --noise 0 --steps 1 --delta 1e-5":                         "noise multiplier 0",
		"epsilon --rate 0.1 --noise 1 --steps 0 --delta 1e-5":                         "--steps 0",
		"epsilon --rate 0.1 --noise 1 --steps 1 --delta 1":                            "delta 1",
		"epsilon --rate 0.1 --noise 1 --steps 1 --delta 1e-5 --accountant gdp":        `"gdp"`,
		"epsilon --rate 0.1 --noise 1 --steps 1 --delta 1e-5 --order 1":               "order 1",
		"epsilon --rate .1 --noise 1 --steps 1 --delta .1 --order 2 --accountant prv": "--order",
		"noise --rate 0.1 --steps 1 --delta 1e-5":                                     "wants --epsilon",
		"noise --epsilon -1 --rate 0.1 --steps 1 --delta 1e-5":                        "epsilon -1",
		"noise --epsilon 0.01 --rate 0.1 --steps 1 --delta 1e-5":                      "no noise",
		"everything": "",
	} {
		code, out, stderr := onnxrun(t, append([]string{"privacy"}, strings.Fields(args)...)...)
		if code != exitUsage || !strings.Contains(stderr, want) || out != "" {
			t.Errorf("privacy %s: exit %d, %q, %q, want an error with %q", args, code, out, stderr, want)
		}
	}
}

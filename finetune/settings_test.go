package finetune

import (
	"strings"
	"testing"
)

// parsers are all that read text forms.
var parsers = map[string]func(string) error{
	"loss":        func(s string) error { _, err := ParseLoss(s); return err },
	"optimizer":   func(s string) error { _, _, err := ParseOptimizer(s); return err },
	"schedule":    func(s string) error { _, err := ParseSchedule(s); return err },
	"initialiser": func(s string) error { _, err := ParseInitializer(s); return err },
	"group":       func(s string) error { _, err := ParseGroup(s); return err },
	"clip":        func(s string) error { _, err := ParseClip(s); return err },
}

// FuzzParsers looks for text that makes a parser panic, or an error that does not say where it comes from.
func FuzzParsers(f *testing.F) {
	for _, seed := range []string{
		"", ":", ",", "=", "mse:", "huber:delta=1,2", "cross-entropy:weights=1,2,,3", "adamw:beta1=0.9,eps=1e-8", "sgd:nesterov,momentum=nan",
		"cosine:warmup=1e300", "cosine:warmup=0.5,floor=-0", "step:size=99999999999999999999", "one-cycle:rise=0.5", "plateau:mode=max,patience=1",
		"kaiming-normal:slope=inf", "uniform:low=-1e308,high=1e308", "(?:a|b):rate=1", "::::", "1e-400", "norm=1,value=2", "mse:half=\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, parse := range parsers {
			if err := parse(text); err != nil && !strings.HasPrefix(err.Error(), "finetune: ") {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	})
}

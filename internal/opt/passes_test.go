package opt

import "testing"

func TestOrder(t *testing.T) {
	at := map[string]int{}
	for i, p := range passes {
		if _, dup := at[p.name]; dup {
			t.Errorf("pass %s stands twice", p.name)
		}
		at[p.name] = i
	}
	for _, o := range order {
		b, okB := at[o.before]
		a, okA := at[o.after]
		if !okA || !okB || b >= a || o.reason == "" {
			t.Errorf("constraint %s before %s does not hold", o.before, o.after)
		}
	}
}

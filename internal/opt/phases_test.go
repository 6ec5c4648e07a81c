package opt_test

import (
	"strings"
	"testing"
)

// TestPhases compares convolutions of the phases of a picture with those of the graph as it is, and counts the nodes that are left.
func TestPhases(t *testing.T) {
	const cut = "Slice image #0 #6 #2 #2 -> e; Slice image #1 #6 #2 #2 -> o; Slice e #0 #9 #3 #2 -> a; Slice o #0 #9 #3 #2 -> b; Slice e #1 #9 #3 #2 -> c; Slice o #1 #9 #-1 #2 -> d; "
	for _, f := range []struct{ name, nodes, want string }{
		{"rows first", cut + "Concat a b c d axis=1 -> f; Conv f K5x16x3x3 pads=1,1,1,1 -> y", "Transpose NhwcConv Transpose"},
		{"columns first, bias and stride", cut + "Concat a c b d axis=1 -> f; Conv f K5x16x2x2 B5 pads=1,0,0,1 strides=2,2 -> y", "Transpose NhwcConv Transpose"},
		{"thirds at once", thirds() + " axis=1 -> all; Conv all K5x36x1x1 -> y", "Transpose NhwcConv Transpose"},
		{"one twice", cut + "Concat a a b d axis=1 -> f; Conv f K5x16x3x3 pads=1,1,1,1 -> y", ""},
		{"one missing", cut + "Concat a b c axis=1 -> f; Conv f K5x12x3x3 pads=1,1,1,1 -> y", ""},
	} {
		t.Run(f.name, func(t *testing.T) {
			got := strings.Join(compareViews(t, parse("image", f.nodes)), " ")
			if f.want != "" && got != f.want || f.want == "" && !strings.Contains(got, "Slice") {
				t.Errorf("left: %s, want %s", got, f.want)
			}
		})
	}
}

// thirds cuts a picture in nine phases and joins these.
func thirds() string {
	var text, names strings.Builder
	for i, at := range []string{"0,0", "0,1", "0,2", "1,0", "1,1", "1,2", "2,0", "2,1", "2,2"} {
		name := string(rune('a' + i))
		text.WriteString("Slice image #" + at + " #6,6 #2,3 #3,3 -> " + name + "; ")
		names.WriteString(" " + name)
	}
	return text.String() + "Concat" + names.String()
}

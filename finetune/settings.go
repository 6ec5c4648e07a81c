package finetune

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// settings are the parsed text form of a loss, an optimizer, a schedule or an initialiser:
//
//	name
//	name:key=value,flag,list=1,2,3,key=value
//
// Items without "=" after a list are more of the list, others are flags. Underscores are as good as dashes.
type settings struct {
	kind   string // what the text is about, for messages
	text   string
	name   string
	keys   []string            // in order
	values map[string][]string // no values: a flag
	known  []string            // keys that were asked for
	err    error               // the first one
}

// parseSettings splits a text; what is wrong with values comes out of finish.
func parseSettings(kind, text string) (*settings, error) {
	name, rest, found := strings.Cut(strings.TrimSpace(text), ":")
	s := &settings{kind: kind, text: text, name: plainName(name), values: map[string][]string{}}
	if s.name == "" {
		return nil, fmt.Errorf("finetune: %s %q: want NAME or NAME:KEY=VALUE,KEY=VALUE", kind, text)
	}
	if !found {
		return s, nil
	}
	for item := range strings.SplitSeq(rest, ",") {
		if err := s.item(strings.TrimSpace(item)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *settings) item(item string) error {
	key, value, valued := strings.Cut(item, "=")
	if !valued && len(s.keys) > 0 {
		if _, err := strconv.ParseFloat(item, 64); err == nil {
			if last := s.keys[len(s.keys)-1]; len(s.values[last]) > 0 {
				s.values[last] = append(s.values[last], item)
				return nil
			}
		}
	}
	key = plainName(key)
	if key == "" {
		return fmt.Errorf("finetune: %s %q: %q has no name, want KEY=VALUE", s.kind, s.text, item)
	}
	if _, twice := s.values[key]; twice {
		return fmt.Errorf("finetune: %s %q: %q is given twice", s.kind, s.text, key)
	}
	s.keys = append(s.keys, key)
	s.values[key] = nil
	if valued {
		s.values[key] = []string{strings.TrimSpace(value)}
	}
	return nil
}

func plainName(s string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "_", "-")
}

// fail keeps the first error.
func (s *settings) fail(key, got, want string) {
	if s.err == nil {
		s.err = fmt.Errorf("finetune: %s %q: %s is %s, want %s", s.kind, s.text, key, got, want)
	}
}

// one returns the only value of a key.
func (s *settings) one(key, want string) (string, bool) {
	s.known = append(s.known, key)
	values, given := s.values[key]
	if !given {
		return "", false
	}
	if len(values) != 1 || values[0] == "" {
		s.fail(key, fmt.Sprintf("%q", strings.Join(values, ",")), want)
		return "", false
	}
	return values[0], true
}

// number sets v to a finite number from lo to hi, if the key is there.
func (s *settings) number(key string, v *float64, lo, hi float64) {
	want := "a number"
	switch {
	case !math.IsInf(lo, -1) && !math.IsInf(hi, 1):
		want = fmt.Sprintf("a number from %v to %v", lo, hi)
	case !math.IsInf(lo, -1):
		want = fmt.Sprintf("a number of at least %v", lo)
	}
	text, given := s.one(key, want)
	if !given {
		return
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(x, 0) || !(x >= lo && x <= hi) {
		s.fail(key, fmt.Sprintf("%q", text), want)
		return
	}
	*v = x
}

// positive is number for numbers above zero.
func (s *settings) positive(key string, v *float64) {
	s.number(key, v, 0, math.Inf(1))
	if text := s.values[key]; s.err == nil && len(text) > 0 && *v == 0 {
		s.fail(key, text[0], "a number above 0")
	}
}

// whole sets v to an integer of at least lo, if the key is there.
func (s *settings) whole(key string, v *int64, lo int64) bool {
	want := fmt.Sprintf("an integer of at least %d", lo)
	if lo <= math.MinInt32 {
		want = "an integer"
	}
	text, given := s.one(key, want)
	if !given {
		return false
	}
	x, err := strconv.ParseInt(text, 10, 64)
	if err != nil || x < lo {
		s.fail(key, fmt.Sprintf("%q", text), want)
		return false
	}
	*v = x
	return true
}

// flag sets v, if the key is there: alone, or as a truth value.
func (s *settings) flag(key string, v *bool) {
	if values, given := s.values[key]; given && len(values) == 0 {
		s.known = append(s.known, key)
		*v = true
		return
	}
	text, given := s.one(key, "true or false")
	if !given {
		return
	}
	x, err := strconv.ParseBool(text)
	if err != nil {
		s.fail(key, fmt.Sprintf("%q", text), "true or false")
	}
	*v = x
}

// list sets v to finite numbers of at least 0, if the key is there.
func (s *settings) list(key string, v *[]float32) {
	s.known = append(s.known, key)
	values, given := s.values[key]
	if given && len(values) == 0 {
		s.fail(key, "empty", "numbers")
	}
	for _, text := range values {
		x, err := strconv.ParseFloat(text, 32)
		if err != nil || !(x >= 0) || math.IsInf(x, 0) {
			s.fail(key, fmt.Sprintf("%q", text), "numbers of at least 0")
			return
		}
		*v = append(*v, float32(x))
	}
}

// word sets v to one of several words, if the key is there.
func (s *settings) word(key string, v *string, words ...string) {
	text, given := s.one(key, "one of "+strings.Join(words, ", "))
	if !given {
		return
	}
	if text = plainName(text); !slices.Contains(words, text) {
		s.fail(key, fmt.Sprintf("%q", text), "one of "+strings.Join(words, ", "))
		return
	}
	*v = text
}

// finish returns the first error: a bad value, or a key that nothing asked for.
func (s *settings) finish() error {
	if s.err != nil {
		return s.err
	}
	for _, key := range s.keys {
		if !slices.Contains(s.known, key) {
			known := "no settings"
			if len(s.known) > 0 {
				known = "one of " + strings.Join(s.known, ", ")
			}
			return fmt.Errorf("finetune: %s %q: unknown setting %q, want %s", s.kind, s.text, key, known)
		}
	}
	return nil
}

// unknown is the error for a name that is none of the given ones.
func (s *settings) unknown(names ...string) error {
	return fmt.Errorf("finetune: %s %q: unknown name %q, want one of %s", s.kind, s.text, s.name, strings.Join(names, ", "))
}

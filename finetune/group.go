package finetune

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// A Group gives some of the parameters rates of their own.
type Group struct {
	Match string   // a regular expression that is found in the names of the parameters; ^ and $ stand for their ends
	Names []string // or exactly these
	Rate  float64  // factor on the learning rate; 0 means 1
	Decay *float64 // weight decay; nil: that of all
}

// A GroupRate is what a parameter's group says of it.
type GroupRate struct {
	Factor float64 // on the learning rate
	Decay  float64
}

// ResolveGroups returns the rates of each named parameter: those of the first group it belongs to. It is an error if a
// group has no parameter at all.
func ResolveGroups(names []string, groups []Group, decay float64) ([]GroupRate, error) {
	out := make([]GroupRate, len(names))
	for i := range out {
		out[i] = GroupRate{1, decay}
	}
	taken := make([]bool, len(names))
	for k, g := range groups {
		member, err := g.matcher(names)
		if err != nil {
			return nil, fmt.Errorf("finetune: parameter group %d: %w", k, err)
		}
		found := false
		for i, name := range names {
			if !member(name) {
				continue
			}
			found = true
			if taken[i] {
				continue
			}
			taken[i] = true
			out[i].Factor = or(g.Rate, 1)
			if g.Decay != nil {
				out[i].Decay = *g.Decay
			}
		}
		if !found {
			return nil, fmt.Errorf("finetune: parameter group %d: no parameter that trains matches %q", k, g.Match)
		}
	}
	return out, nil
}

func (g *Group) matcher(names []string) (func(string) bool, error) {
	if !(g.Rate >= 0) || math.IsInf(g.Rate, 1) {
		return nil, fmt.Errorf("factor of the rate is %v, want a positive number", g.Rate)
	}
	if g.Decay != nil && (!(*g.Decay >= 0) || math.IsInf(*g.Decay, 1)) {
		return nil, fmt.Errorf("decay is %v, want a number of at least 0", *g.Decay)
	}
	for _, name := range g.Names {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no parameter %q trains", name)
		}
	}
	if len(g.Names) > 0 {
		if g.Match != "" {
			return nil, fmt.Errorf("both names and the pattern %q are given, want one of them", g.Match)
		}
		return func(name string) bool { return slices.Contains(g.Names, name) }, nil
	}
	if g.Match == "" {
		return nil, fmt.Errorf("neither names nor a pattern are given")
	}
	re, err := regexp.Compile(g.Match)
	if err != nil {
		return nil, err
	}
	return re.MatchString, nil
}

// ParseGroup reads the text form of a parameter group: PATTERN:rate=FACTOR,decay=DECAY. What stands before the last colon
// is the pattern.
func ParseGroup(text string) (Group, error) {
	i := strings.LastIndexByte(text, ':')
	if i <= 0 {
		return Group{}, fmt.Errorf("finetune: parameter group %q: want PATTERN:rate=FACTOR,decay=DECAY", text)
	}
	s, err := parseSettings("parameter group", "group"+text[i:])
	if err != nil {
		return Group{}, err
	}
	g := Group{Match: text[:i]}
	s.text = text
	s.positive("rate", &g.Rate)
	decay := -1.0
	if s.number("decay", &decay, 0, math.Inf(1)); decay >= 0 {
		g.Decay = &decay
	}
	if _, err := regexp.Compile(g.Match); err != nil {
		return Group{}, fmt.Errorf("finetune: parameter group %q: %w", text, err)
	}
	return g, s.finish()
}

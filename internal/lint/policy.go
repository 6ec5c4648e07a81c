package lint

import (
	"fmt"
	"path"
	"strings"
)

// A Policy says which package may import which.
type Policy struct {
	below map[string]map[string]bool // importer -> what stands directly below it
}

// ParsePolicy reads lines of the form "a, b < c, d < e": every name may import the names left of its "<",
// and whatever those may import. A name that ends in /* stands for all packages below a folder; the name
// "everything" stands for all other packages of the module; "nothing" on the left introduces names that
// import none. Empty lines and lines that start with # are left out.
func ParsePolicy(text string) (*Policy, error) {
	p := &Policy{below: map[string]map[string]bool{}}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		groups := strings.Split(line, "<")
		if len(groups) < 2 {
			return nil, fmt.Errorf("lint: policy line %d has no <: %s", n+1, line)
		}
		for i := 1; i < len(groups); i++ {
			p.add(names(groups[i-1]), names(groups[i]))
		}
	}
	return p, nil
}

func names(group string) []string {
	var list []string
	for name := range strings.SplitSeq(group, ",") {
		list = append(list, strings.TrimSpace(name))
	}
	return list
}

func (p *Policy) add(lower, upper []string) {
	for _, u := range upper {
		if p.below[u] == nil {
			p.below[u] = map[string]bool{}
		}
		for _, l := range lower {
			p.below[u][l] = true
			if p.below[l] == nil {
				p.below[l] = map[string]bool{}
			}
		}
	}
}

// Names reports whether the policy says anything about pkg.
func (p *Policy) Names(pkg string) bool { return len(p.rows(pkg)) > 0 }

// May reports whether importer may import pkg.
func (p *Policy) May(importer, pkg string) bool {
	seen := map[string]bool{}
	todo := p.rows(importer)
	for len(todo) > 0 {
		row := todo[0]
		todo = todo[1:]
		if seen[row] {
			continue
		}
		seen[row] = true
		for l := range p.below[row] {
			if l == "everything" || matches(l, pkg) {
				return true
			}
			todo = append(todo, l)
		}
	}
	return false
}

// rows returns the names of the policy that stand for pkg.
func (p *Policy) rows(pkg string) []string {
	var list []string
	for name := range p.below {
		if matches(name, pkg) {
			list = append(list, name)
		}
	}
	return list
}

func matches(pattern, pkg string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(pkg, dir+"/")
	}
	return path.Clean(pattern) == pkg
}

package finetune

import (
	"fmt"
	"slices"
	"strings"
)

// A modules maps the module paths of an adapter to the sites of a model. In this order:
//
//  1. a site answers to the path;
//  2. a path of a site is the end of the module's path after a dot, or the other way round: the model was exported from
//     inside of a wrapper, or from one;
//  3. both end in the same parts, of which one is a number, and what stands before them differs in the same way for
//     all modules of the adapter that are found like this.
//
// A rule that finds sites with several weights does not decide; nor does a module without any site. Both are errors that
// list the nearest candidates.
type modules struct {
	sites   []*site
	refused []refusal
	prefix  *[2]string // what rule 3 exchanges
}

func (e *editor) modules() *modules {
	sites, refused := e.sites()
	return &modules{sites: slices.DeleteFunc(sites, isFactor), refused: refused}
}

// find returns the sites of a module: all use the same weight.
func (m *modules) find(module string) ([]*site, error) {
	for _, rule := range []func(module, path string) bool{
		func(module, path string) bool { return module == path },
		endsEither,
		m.exchanges,
	} {
		found := m.matching(func(path string) bool { return rule(module, path) })
		if len(found) == 0 {
			continue
		}
		if !oneWeight(found) {
			return nil, fmt.Errorf("module %q is ambiguous: %s", module, candidates(found))
		}
		if m.prefix == nil && !slices.ContainsFunc(found[0].paths, func(p string) bool { return endsEither(module, p) }) {
			m.prefix = exchanged(module, found[0].paths)
		}
		return found, nil
	}
	for _, r := range m.refused {
		if slices.ContainsFunc(r.paths, func(p string) bool { return endsEither(module, p) }) {
			return nil, fmt.Errorf("module %q is node %q, which cannot have a branch: %s", module, r.node, r.why)
		}
	}
	return nil, fmt.Errorf("the model has no layer %q; the nearest are %s", module, candidates(m.nearest(module)))
}

func (m *modules) matching(rule func(path string) bool) []*site {
	var found []*site
	for _, s := range m.sites {
		if slices.ContainsFunc(s.paths, rule) {
			found = append(found, s)
		}
	}
	return found
}

func endsEither(module, path string) bool {
	return module == path || strings.HasSuffix(module, "."+path) || strings.HasSuffix(path, "."+module)
}

// exchanges is rule 3.
func (m *modules) exchanges(module, path string) bool {
	p := exchanged(module, []string{path})
	return p != nil && (m.prefix == nil || *m.prefix == *p)
}

// exchanged returns what stands before the common end of a module and the path that has the longest one, nil if no number is
// in it.
func exchanged(module string, paths []string) *[2]string {
	best, at := 0, ""
	for _, p := range paths {
		if n := commonParts(module, p); n > best {
			best, at = n, p
		}
	}
	a, b := strings.Split(module, "."), strings.Split(at, ".")
	if best == 0 || !slices.ContainsFunc(a[len(a)-best:], isNumber) {
		return nil
	}
	return &[2]string{strings.Join(a[:len(a)-best], "."), strings.Join(b[:len(b)-best], ".")}
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// commonParts counts the parts that two paths end in alike.
func commonParts(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	n := 0
	for n < min(len(x), len(y)) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n
}

// oneWeight reports whether the sites are uses of one module with one weight.
func oneWeight(sites []*site) bool {
	return !slices.ContainsFunc(sites, func(s *site) bool {
		return s.module() != sites[0].module() || s.form.name() != sites[0].form.name() || s.kind != sites[0].kind
	})
}

// nearest returns sites that share the end of a path with module, the longest first.
func (m *modules) nearest(module string) []*site {
	list := slices.Clone(m.sites)
	near := func(s *site) int {
		n := 0
		for _, p := range s.paths {
			n = max(n, commonParts(module, p))
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b *site) int { return near(b) - near(a) })
	return list
}

// candidates lists sites for a message.
func candidates(sites []*site) string {
	var list []string
	for i, s := range sites {
		if i == 4 {
			list = append(list, fmt.Sprintf("and %d more", len(sites)-i))
			break
		}
		list = append(list, fmt.Sprintf("%q (node %q)", s.module(), nodeLabel(s.node)))
	}
	if len(list) == 0 {
		return "none: no layer can have a branch"
	}
	return strings.Join(list, ", ")
}

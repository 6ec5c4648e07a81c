package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// An operator is held as text, one line per version, oldest first:
//
//	since flags|inputs|outputs|attributes|constraints
//
// Flags are letters: d deprecated, i has inference, p propagates data, r not
// deterministic, c context-dependent function, e experimental. The lists are
// separated by spaces:
//
//	parameter   name:type mark, where mark is nothing, ? (optional), *N or ~N
//	            (variadic with one or with many types, at least N values),
//	            followed by ' when differentiable
//	attribute   name:type, ! when required, =value for a default; the type is
//	            f i s t g (float, int, string, tensor, graph), F I S T G for
//	            lists of them, p (sparse tensor) or y (type)
//	constraint  name:N (an index of typeSets) or name:types joined by ';'
//
// In default values, bytes other than letters, digits, '_', '.', '/', '+' and
// '-' are written %xx, and list elements are separated by commas.

// parseOperator parses all versions of an operator.
func parseOperator(domain, name, text string) ([]*Schema, error) {
	var list []*Schema
	for line := range strings.SplitSeq(text, "\n") {
		s := &Schema{Domain: domain, Name: name}
		if err := s.parse(line); err != nil {
			return nil, fmt.Errorf("schema: %s %s: %w", domain, name, err)
		}
		list = append(list, s)
	}
	return list, nil
}

func (s *Schema) parse(line string) error {
	part := strings.Split(line, "|")
	if len(part) != 5 {
		return fmt.Errorf("want 5 parts, got %d in %q", len(part), line)
	}
	since, flags, _ := strings.Cut(part[0], " ")
	var err error
	if s.Since, err = strconv.Atoi(since); err != nil {
		return err
	}
	s.Deprecated = strings.Contains(flags, "d")
	s.HasInference = strings.Contains(flags, "i")
	s.HasDataPropagation = strings.Contains(flags, "p")
	s.NonDeterministic = strings.Contains(flags, "r")
	s.ContextFunction = strings.Contains(flags, "c")
	s.Experimental = strings.Contains(flags, "e")
	if s.Inputs, err = parseParams(part[1]); err != nil {
		return err
	}
	if s.Outputs, err = parseParams(part[2]); err != nil {
		return err
	}
	s.MinInputs, s.MaxInputs = arity(s.Inputs)
	s.MinOutputs, s.MaxOutputs = arity(s.Outputs)
	for field := range strings.FieldsSeq(part[3]) {
		a, err := parseAttribute(field)
		if err != nil {
			return err
		}
		s.Attributes = append(s.Attributes, a)
	}
	for field := range strings.FieldsSeq(part[4]) {
		c, err := parseConstraint(field)
		if err != nil {
			return err
		}
		s.Constraints = append(s.Constraints, c)
	}
	return nil
}

func parseParams(text string) ([]Param, error) {
	var list []Param
	for field := range strings.FieldsSeq(text) {
		name, typ, ok := strings.Cut(field, ":")
		if !ok {
			return nil, fmt.Errorf("parameter %q has no type", field)
		}
		p := Param{Name: name, Homogeneous: true}
		typ, p.Differentiable = strings.CutSuffix(typ, "'")
		if at := strings.IndexAny(typ, "?*~"); at >= 0 {
			p.Option = Optional
			if typ[at] != '?' {
				p.Option, p.Homogeneous = Variadic, typ[at] == '*'
				n, err := strconv.Atoi(typ[at+1:])
				if err != nil {
					return nil, err
				}
				p.MinArity = n
			}
			typ = typ[:at]
		}
		p.TypeStr = typ
		list = append(list, p)
	}
	return list, nil
}

// arity counts as ONNX does: everything up to the last parameter that is not
// optional is needed, and everything before a variadic one (an optional one
// may be an empty name).
func arity(list []Param) (least, most int) {
	for _, p := range list {
		switch p.Option {
		case Single:
			most++
			least = most
		case Optional:
			most++
		case Variadic:
			least, most = most+p.MinArity, Unlimited
		}
	}
	return least, most
}

var attrTypes = [...]struct {
	letter byte
	typ    AttrType
}{
	{'f', Float}, {'i', Int}, {'s', String}, {'t', Tensor}, {'g', Graph},
	{'F', Floats}, {'I', Ints}, {'S', Strings}, {'T', Tensors}, {'G', Graphs},
	{'p', SparseTensor}, {'y', TypeProto},
}

func parseAttribute(field string) (Attribute, error) {
	head, value, hasDefault := strings.Cut(field, "=")
	name, typ, _ := strings.Cut(head, ":")
	a := Attribute{Name: name}
	typ, a.Required = strings.CutSuffix(typ, "!")
	for _, t := range attrTypes {
		if len(typ) == 1 && typ[0] == t.letter {
			a.Type = t.typ
		}
	}
	if a.Type == 0 {
		return a, fmt.Errorf("attribute %q has no known type", field)
	}
	if !hasDefault {
		return a, nil
	}
	var err error
	a.Default, err = parseDefault(a.Type, value)
	return a, err
}

func parseDefault(t AttrType, text string) (any, error) {
	switch t {
	case Float:
		v, err := strconv.ParseFloat(text, 32)
		return float32(v), err
	case Int:
		return strconv.ParseInt(text, 10, 64)
	case String:
		return unescape(text)
	case Ints:
		list := []int64{}
		for item := range strings.SplitSeq(text, ",") {
			v, err := strconv.ParseInt(item, 10, 64)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case Strings:
		list := []string{}
		for item := range strings.SplitSeq(text, ",") {
			v, err := unescape(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return nil, fmt.Errorf("an attribute of type %d has a default", t)
}

// unescape replaces %xx by the byte with this hexadecimal number.
func unescape(text string) (string, error) {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(text, "%")
		b.WriteString(plain)
		if !found {
			return b.String(), nil
		}
		if len(rest) < 2 {
			return "", fmt.Errorf("bad escape in %q", text)
		}
		v, err := strconv.ParseUint(rest[:2], 16, 8)
		if err != nil {
			return "", err
		}
		b.WriteByte(byte(v))
		text = rest[2:]
	}
}

func parseConstraint(field string) (TypeConstraint, error) {
	name, text, _ := strings.Cut(field, ":")
	c := TypeConstraint{Param: name}
	if i, err := strconv.Atoi(text); err == nil {
		if i < 0 || i >= len(typeSets) {
			return c, fmt.Errorf("constraint %q: there are %d sets of types", field, len(typeSets))
		}
		c.Allowed = typeSets[i]
		return c, nil
	}
	var err error
	c.Allowed, err = parseTypes(text)
	return c, err
}

package data

import (
	"strconv"
	"strings"
)

// isHeader decides whether the first record names the columns. It does if no field is a number, apart from names that
// count the columns, and there is a sign: a text above numbers, a word that only names have, counting names, or texts
// none of which comes again in columns whose texts do.
func isHeader(first []record, o *Options) bool {
	head, body := first[0].fields, first[1:]
	numbers, consistent := countsColumns(head)
	if !consistent {
		return false
	}
	if numbers > 2 {
		if len(body) == 0 {
			return false
		}
		again, also := countsColumns(body[0].fields)
		return !also || again < numbers
	}
	if numbers > 0 {
		return false
	}
	names, novel := headerNames(o), len(body) > 3
	for i, field := range head {
		field = strings.TrimSpace(field)
		if names[strings.ToLower(field)] {
			return true
		}
		if len(body) > 0 && !isMissing(field) && mostlyNumbers(body, i) {
			return true
		}
		novel = novel && isNovel(body, i, field)
	}
	return novel
}

// countsColumns returns how many fields are numbers, and whether these count the columns from 0, or from 0 after the
// first.
func countsColumns(fields []string) (numbers int, consistent bool) {
	offset := -1
	for i, field := range fields {
		field = strings.TrimSpace(field)
		if _, wrong := number(field); wrong != "" {
			continue
		}
		n, err := strconv.Atoi(field)
		if err != nil || i-n != 0 && i-n != 1 || offset >= 0 && i-n != offset {
			return 0, false
		}
		offset = i - n
		numbers++
	}
	return numbers, true
}

// isNovel reports whether a text does not come again in a column of texts that do.
func isNovel(body []record, i int, text string) bool {
	known := map[string]bool{}
	for _, rec := range body {
		if i < len(rec.fields) {
			known[strings.TrimSpace(rec.fields[i])] = true
		}
	}
	return !known[text] && 2*len(known) <= len(body)
}

// headerNames are the words, in lower case, that only a header has.
func headerNames(o *Options) map[string]bool {
	names := map[string]bool{}
	add := func(list ...string) {
		for _, s := range list {
			s = strings.ToLower(strings.TrimSpace(s))
			if _, wrong := number(s); wrong != "" && !isMissing(s) {
				names[s] = true
			}
		}
	}
	add(labelNames...)
	add(strings.Split(o.Label, ",")...)
	for _, in := range o.Inputs {
		add(in.Name)
	}
	for _, list := range o.Features {
		add(list...)
	}
	return names
}

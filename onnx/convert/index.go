package convert

import "sync"

// index finds rows of the table.
var index = sync.OnceValue(func() map[key]*adapter {
	m := make(map[key]*adapter, len(adapters))
	for i := range adapters {
		a := &adapters[i]
		m[key{a.domain, a.op, a.from, a.to}] = a
	}
	return m
})

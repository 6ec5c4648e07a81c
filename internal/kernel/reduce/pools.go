package reduce

import "sync"

// poolOf returns the pool of a type of tasks.
func poolOf[T any]() *sync.Pool {
	var key any = (*T)(nil)
	if p, ok := pools.Load(key); ok {
		return p.(*sync.Pool)
	}
	p, _ := pools.LoadOrStore(key, &sync.Pool{New: func() any { return new(T) }})
	return p.(*sync.Pool)
}

var pools sync.Map // nil pointer of the task type -> *sync.Pool

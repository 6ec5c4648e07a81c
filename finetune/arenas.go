package finetune

import (
	"sync"
	"weak"

	"github.com/onnxrun/onnxrun/internal/plan"
)

// working is the memory that all trainers of the process use by turns, as long as there are any.
var working struct {
	sync.Mutex
	arenas weak.Pointer[plan.Arenas]
}

func sharedArenas() *plan.Arenas {
	working.Lock()
	defer working.Unlock()
	a := working.arenas.Value()
	if a == nil {
		a = new(plan.Arenas)
		working.arenas = weak.Make(a)
	}
	return a
}

// release ends the life of the gradients of the last step.
func (t *Trainer) release() {
	for _, p := range t.recent {
		if p.suffix != nil {
			p.suffix.prog.Release()
		}
	}
}
